#include "grant.h"

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { BUS_WORD_MAX = 16 };

static int read_lease(struct reply *reply, const struct place *place, struct lease *lease,
		      struct fault *why)
{
	enum { OTHER_BUS = LEASE_HELD + 1, ANSWERS };
	static const char *const SAYS[ANSWERS] = {
		[LEASE_HELD] = "held", [LEASE_BUSY] = "busy", [OTHER_BUS] = "bus"};
	const size_t answer = reply_word(reply, SAYS, ANSWERS);
	char bus[BUS_WORD_MAX] = "";

	if (answer == LEASE_HELD) {
		lease->epoch = reply_int(reply);
		reply_copy(reply, lease->id, sizeof lease->id);
		lease->settled = reply_int(reply);
	} else if (answer == LEASE_BUSY) {
		reply_copy(reply, lease->holder, sizeof lease->holder);
		lease->busy_ms = reply_int(reply);
	} else {
		reply_copy(reply, bus, sizeof bus);
	}
	if (reply_check(reply, place->event_key, why) < 0)
		return -1;
	if (answer != OTHER_BUS)
		return (int)answer;
	return fault_set(
		why, EX_CONFIG,
		"event '%s': it was first dispatched through '%s', and stays there: name %s",
		place->name, bus,
		strcmp(bus, "kafka") == 0 ? "the brokers with -b or FCFS_BROKERS"
					  : "no brokers, -b ''");
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

int lease_renew(struct step *step, struct redis *redis, const struct place *place,
		struct lease *lease, struct fault *why)
{
	begin_held(step, place, "renew", lease);
	return (int)step_number(step, place, redis, why);
}

int lease_release(struct step *step, struct redis *redis, const struct place *place,
		  struct lease *lease, struct fault *why)
{
	begin_held(step, place, "release", lease);
	return (int)step_number(step, place, redis, why);
}

int lease_mirror(struct step *step, struct redis *redis, const struct place *place,
		 struct lease *lease, const struct progress *progress, struct mirror *mirror,
		 struct fault *why)
{
	static const char *const SAYS[MIRROR_ANSWERS] = {[MIRROR_STALE] = "stale",
							 [MIRROR_LOST] = "lost",
							 [MIRROR_BEHIND] = "behind",
							 [MIRRORED] = "mirrored"};
	struct reply reply = {0};
	int result;

	begin_held(step, place, "mirror", lease);
	step_int(step, progress->requests);
	step_int(step, progress->winners);
	step_int(step, progress->seq);
	result = step_call(step, place, redis, &reply, why);
	if (result == 0) {
		mirror->answer = (enum mirror_answer)reply_word(&reply, SAYS, MIRROR_ANSWERS);
		mirror->has.requests = reply_int(&reply);
		mirror->has.winners = reply_int(&reply);
		mirror->has.seq = reply_int(&reply);
		result = reply_check(&reply, place->event_key, why);
	}
	reply_release(&reply);
	return result;
}

static const char *const SERVE_SAYS[SERVE_ANSWERS] = {
	[SERVE_STALE] = "stale", [SERVE_LOST] = "lost",	  [SERVE_MORE] = "more",
	[SERVE_IDLE] = "idle",	 [SERVE_DRY] = "dry",	  [SERVE_PAUSED] = "paused",
	[SERVE_EARLY] = "early", [SERVE_ENDED] = "ended",
};

const char *serve_word(enum serve_answer answer)
{
	return SERVE_SAYS[answer];
}

static void begin_grant(struct step *step, const struct place *place, struct lease *lease,
			int64_t after, int64_t count, int64_t limit)
{
	begin_held(step, place, "serve", lease);
	step_int(step, after);
	step_int(step, count);
	step_int(step, limit);
}

int grant_send(struct step *step, struct redis *redis, const struct place *place,
	       struct lease *lease, int64_t after, int64_t count, int64_t limit, struct fault *why)
{
	begin_grant(step, place, lease, after, count, limit);
	return step_send(step, redis, why);
}

int granted_read(struct granted *granted, struct reply *reply, const struct redis *redis,
		 const struct place *place, struct fault *why)
{
	*granted = (struct granted){.connections = redis_connections(redis)};
	granted->answer = (enum serve_answer)reply_word(reply, SERVE_SAYS, SERVE_ANSWERS);
	granted->upto.winners = reply_int(reply);
	granted->fresh = reply_int(reply);
	granted->upto.requests = reply_int(reply);
	granted->upto.seq = reply_int(reply);
	granted->runs = *reply;
	*reply = (struct reply){0};
	return reply_check(&granted->runs, place->event_key, why);
}

int grant_call(struct step *step, struct redis *redis, const struct place *place,
	       struct lease *lease, int64_t after, int64_t count, int64_t limit,
	       struct granted *granted, struct fault *why)
{
	struct reply reply = {0};

	begin_grant(step, place, lease, after, count, limit);
	return step_call(step, place, redis, &reply, why) < 0
		       ? -1
		       : granted_read(granted, &reply, redis, place, why);
}

void granted_release(struct granted *granted)
{
	reply_release(&granted->runs);
	*granted = (struct granted){0};
}

int64_t granted_next(struct granted *granted, int64_t ticket)
{
	while (granted->last < ticket && reply_more(&granted->runs)) {
		granted->first = reply_int(&granted->runs);
		granted->last = reply_int(&granted->runs);
		granted->granted_us = reply_int(&granted->runs);
	}
	if (granted->last < ticket)
		return 0;
	return granted->first < ticket ? ticket : granted->first;
}

int people_send(struct redis *redis, const struct place *place, int64_t after, int64_t last,
		struct fault *why)
{
	char from[24], to[24];
	const char *argv[] = {"ZRANGE", place->line_key, from, to, "WITHSCORES"};

	snprintf(from, sizeof from, "%" PRId64, after);
	snprintf(to, sizeof to, "%" PRId64, last - 1);
	return redis_send(redis, 5, argv, NULL, why);
}

int id_send(struct redis *redis, const struct place *place, struct fault *why)
{
	const char *argv[] = {"HGET", place->event_key, "id"};

	return redis_send(redis, 3, argv, NULL, why);
}

int decisions_send(struct step *step, struct redis *redis, const struct place *place, int64_t after,
		   int64_t count, struct fault *why)
{
	step_begin(step, place, "decisions", true);
	step_int(step, after);
	step_int(step, count);
	return step_send(step, redis, why);
}
