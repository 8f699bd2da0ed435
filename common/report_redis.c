/*
 * report_redis.c - an event as it is in Redis, a page at a time.
 */
#include "report.h"

#include "runlog.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 1000 };

struct from_redis {
	struct report_source source;
	struct redis *redis;
	const struct place *place;
};

static void read_row(struct reply *reply, struct report_row *row)
{
	struct winner *winner = &row->issued.winner;

	winner->ticket = reply_int(reply);
	reply_copy(reply, winner->user, sizeof winner->user);
	winner->joined_us = reply_int(reply);
	winner->granted_us = reply_int(reply);
	reply_copy(reply, row->state, sizeof row->state);
	row->issued.issued_us = reply_int(reply);
	reply_copy(reply, row->issued.code, sizeof row->issued.code);
}

/* One page from `from` on. Returns the ticket to go on from, 0 at the end, -1. */
static int64_t each_on_page(struct redis *redis, const struct place *place, struct step *step,
			    struct report_row *row, int64_t from,
			    const struct report_visitor *visitor, struct fault *why)
{
	struct reply reply = {0};
	int64_t last;
	int result;

	step_begin(step, place, "page", true);
	step_int(step, from);
	step_int(step, PAGE);
	step_text(step, visitor->codes ? "codes" : "");
	result = step_call(step, place, redis, &reply, why);
	last = result == 0 ? reply_int(&reply) : 0;
	while (result == 0 && reply_more(&reply)) {
		read_row(&reply, row);
		result = reply_check(&reply, place->line_key, why);
		if (result == 0)
			result = visitor->row(visitor->self, row, why);
	}
	reply_release(&reply);
	if (result < 0)
		return -1;
	return last < from + PAGE - 1 ? 0 : last + 1;
}

static int each_row(struct redis *redis, const struct place *place, const char *id,
		    const struct report_visitor *visitor, struct fault *why)
{
	struct report_row row = {0};
	struct step step;
	int64_t next = 1;

	if (step_init(&step, 3, why) < 0)
		return -1;
	strcpy(row.issued.winner.event, place->name);
	strcpy(row.issued.winner.id, id);
	while (next > 0)
		next = each_on_page(redis, place, &step, &row, next, visitor, why);
	step_release(&step);
	return (int)next;
}

/* A page of seconds, from the ticket `from` on. Returns the ticket to go on from, 0 at the end, -1. */
static int64_t seconds_on_page(struct redis *redis, const struct place *place, struct step *step,
			       int64_t from, const struct report_visitor *visitor,
			       struct fault *why)
{
	struct reply reply = {0};
	int64_t next = -1;

	step_begin(step, place, "seconds", true);
	step_int(step, from);
	step_int(step, PAGE);
	if (step_call(step, place, redis, &reply, why) < 0)
		return -1;
	next = reply_int(&reply);
	while (reply_more(&reply)) {
		(void)reply_int(&reply); /* which second */
		visitor->second(visitor->self, reply_int(&reply));
	}
	if (next != 0 && next <= from)
		reply.unsound = true;
	if (reply_check(&reply, place->line_key, why) < 0)
		next = -1;
	reply_release(&reply);
	return next;
}

static int each_second(struct redis *redis, const struct place *place,
		       const struct report_visitor *visitor, struct fault *why)
{
	struct step step;
	int64_t next = 1;

	if (step_init(&step, 2, why) < 0)
		return -1;
	while (next > 0)
		next = seconds_on_page(redis, place, &step, next, visitor, why);
	step_release(&step);
	return (int)next;
}

static int each_run(struct redis *redis, const struct place *place,
		    const struct report_visitor *visitor, struct fault *why)
{
	struct reply reply = {0};
	int result = runlog_read(redis, place, &reply, why);

	while (result == 0 && reply_more(&reply)) {
		size_t len;
		const char *json = reply_text(&reply, &len);

		result = visitor->run(visitor->self, json, len, why);
	}
	reply_release(&reply);
	return result;
}

static int read_event(struct report_source *source, const struct report_visitor *visitor,
		      struct event *event, struct fault *why)
{
	const struct from_redis *from = (const struct from_redis *)source;

	if (event_show(from->redis, from->place, event, why) < 0)
		return -1;
	if (visitor->second && each_second(from->redis, from->place, visitor, why) < 0)
		return -1;
	if (visitor->row && each_row(from->redis, from->place, event->id, visitor, why) < 0)
		return -1;
	return visitor->run ? each_run(from->redis, from->place, visitor, why) : 0;
}

static void close_source(struct report_source *source)
{
	free(source);
}

struct report_source *report_from_redis(struct redis *redis, const struct place *place,
					struct fault *why)
{
	struct from_redis *from = calloc(1, sizeof *from);

	if (!from)
		return fault_errno(why, EX_OSERR, "report"), NULL;
	from->source.read = read_event;
	from->source.close = close_source;
	strcpy(from->source.event, place->name);
	from->redis = redis;
	from->place = place;
	return &from->source;
}
