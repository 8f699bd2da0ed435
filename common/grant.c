#include "grant.h"

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { BUS_WORD_MAX = 16 };

static void keep_text(char *to, size_t size, struct reply *reply)
{
	size_t len;

	snprintf(to, size, "%s", reply_text(reply, &len));
}

static int read_lease(struct reply *reply, const struct place *place, struct lease *lease,
		      struct fault *why)
{
	char word[BUS_WORD_MAX], bus[BUS_WORD_MAX];
	bool held;

	keep_text(word, sizeof word, reply);
	held = strcmp(word, "held") == 0;
	if (held) {
		lease->epoch = reply_int(reply);
		keep_text(lease->id, sizeof lease->id, reply);
		lease->settled = reply_int(reply);
	} else if (strcmp(word, "busy") == 0) {
		keep_text(lease->holder, sizeof lease->holder, reply);
		lease->busy_ms = reply_int(reply);
	} else {
		keep_text(bus, sizeof bus, reply);
		if (!reply->unsound && strcmp(word, "bus") == 0)
			return fault_set(why, EX_CONFIG,
					 "event '%s': it was first dispatched through '%s', and "
					 "stays there: a pipe and Kafka never mix in one event",
					 place->name, bus);
		reply->unsound = true;
	}
	if (reply_check(reply, place->event_key, why) < 0)
		return -1;
	return held ? LEASE_HELD : LEASE_BUSY;
}

int lease_take(struct step *step, struct redis *redis, const struct place *place, const char *bus,
	       struct lease *lease, struct fault *why)
{
	struct reply reply = {0};
	int result;

	step_begin(step, place, "lease", false);
	step_text(step, lease->owner);
	step_int(step, LEASE_MS);
	step_text(step, bus);
	lease->kept_ms = clock_ms();
	result = step_call(step, place, redis, &reply, why);
	if (result == 0)
		result = read_lease(&reply, place, lease, why);
	reply_release(&reply);
	return result;
}

static void begin_held(struct step *step, const struct place *place, const char *name,
		       struct lease *lease)
{
	step_begin(step, place, name, false);
	step_text(step, lease->owner);
	step_int(step, lease->epoch);
	step_int(step, LEASE_MS);
	lease->kept_ms = clock_ms();
}

static int yes_or_no(struct step *step, struct redis *redis, const struct place *place,
		     struct fault *why)
{
	struct reply reply = {0};
	int answer = -1;

	if (step_call(step, place, redis, &reply, why) == 0) {
		answer = reply_int(&reply) != 0;
		if (reply_check(&reply, place->event_key, why) < 0)
			answer = -1;
	}
	reply_release(&reply);
	return answer;
}

int lease_renew(struct step *step, struct redis *redis, const struct place *place,
		struct lease *lease, struct fault *why)
{
	begin_held(step, place, "renew", lease);
	return yes_or_no(step, redis, place, why);
}

int lease_release(struct step *step, struct redis *redis, const struct place *place,
		  struct lease *lease, struct fault *why)
{
	begin_held(step, place, "release", lease);
	return yes_or_no(step, redis, place, why);
}

int lease_mirror(struct step *step, struct redis *redis, const struct place *place,
		 struct lease *lease, const struct progress *progress, struct mirror *mirror,
		 struct fault *why)
{
	struct reply reply = {0};
	int result;

	begin_held(step, place, "mirror", lease);
	step_int(step, progress->requests);
	step_int(step, progress->winners);
	step_int(step, progress->seq);
	result = step_call(step, place, redis, &reply, why);
	if (result == 0) {
		keep_text(mirror->verdict, sizeof mirror->verdict, &reply);
		mirror->has.requests = reply_int(&reply);
		mirror->has.winners = reply_int(&reply);
		mirror->has.seq = reply_int(&reply);
		result = reply_check(&reply, place->event_key, why);
	}
	reply_release(&reply);
	return result;
}

int grant_send(struct step *step, struct redis *redis, const struct place *place,
	       struct lease *lease, int64_t after, int64_t count, int64_t limit, struct fault *why)
{
	begin_held(step, place, "grant", lease);
	step_int(step, after);
	step_int(step, count);
	step_int(step, limit);
	return step_send(step, redis, why);
}

int requests_send(struct redis *redis, const struct place *place, int64_t after, int64_t count,
		  struct fault *why)
{
	char first[24], last[24];
	const char *argv[] = {"ZRANGE", place->line_key, first, last, "WITHSCORES"};

	snprintf(first, sizeof first, "%" PRId64, after);
	snprintf(last, sizeof last, "%" PRId64, after + count - 1);
	return redis_send(redis, 5, argv, NULL, why);
}

int decisions_send(struct step *step, struct redis *redis, const struct place *place, int64_t after,
		   int64_t count, struct fault *why)
{
	step_begin(step, place, "decisions", true);
	step_int(step, after);
	step_int(step, count);
	return step_send(step, redis, why);
}
