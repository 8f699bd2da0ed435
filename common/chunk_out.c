/*
 * chunk_out.c - a chunk goes out, and when it is out, is marked so and counted.
 */
#include "chunk.h"

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>

enum { LINE = 256 };

/* --- putting ---------------------------------------------------------------------------------- */

static int put_dead(struct desk *d, const struct award *award, const struct incoming *raw,
		    struct fault *why)
{
	static const char *const KINDS[] = {[AWARD_FOREIGN] = "foreign",
					    [AWARD_MALFORMED] = "malformed",
					    [AWARD_UNDELIVERABLE] = "undeliverable",
					    [AWARD_EXHAUSTED] = "exhausted"};
	const int64_t now_us = clock_now_us();
	const struct cause cause = {
		.record = raw,
		.kind = KINDS[award->status],
		.message = award->reason,
		.attempts = award->attempts ? award->attempts : 1,
		.first_us = award->first_us ? award->first_us : now_us,
		.last_us = award->last_us ? award->last_us : now_us,
		.replays = award->replays,
		.run = d->books.fresh.run,
	};
	const struct outgoing outgoing = {.topic = TOPIC_DEAD, .cause = &cause};

	return d->issue->sink->put(d->issue->sink, &outgoing, why);
}

static int put_issued(struct desk *d, const struct issued *issued, struct fault *why)
{
	struct outgoing outgoing = {
		.topic = TOPIC_ISSUED, .event = issued->winner.event, .key = issued->winner.user};

	buffer_clear(&d->record);
	record_issued(&d->record, issued);
	if (d->record.failed)
		return fault_set(why, EX_OSERR, "out of memory");
	outgoing.bytes = d->record.bytes;
	outgoing.len = d->record.len;
	return d->issue->sink->put(d->issue->sink, &outgoing, why);
}

int64_t chunk_dead(const struct chunk *c)
{
	int64_t dead = 0;

	for (size_t r = 0; r < c->count; r++)
		dead += award_is_dead(&c->award[r]);
	return dead;
}

int chunk_put(struct chunk *c, struct desk *d, struct fault *why)
{
	int result = 0;

	for (size_t r = 0; r < c->count && result == 0; r++) {
		if (award_is_dead(&c->award[r]))
			result = put_dead(d, &c->award[r], &c->raw[r], why);
		else if (award_is_assigned(&c->award[r]))
			result = put_issued(d, &c->award[r].issued, why);
	}
	return result;
}

/* --- finishing -------------------------------------------------------------------------------- */

/* Names the place and the reason, never the bytes: they may hold a code. */
static void say(char line[LINE], const struct award *award, const char *reason)
{
	if (award->partition < 0)
		snprintf(line, LINE, "line %" PRId64 ": %.180s", award->number, reason);
	else
		snprintf(line, LINE, "partition %d offset %" PRId64 ": %.180s", award->partition,
			 award->offset, reason);
}

static void complain(struct desk *d, struct run *run, const struct award *award)
{
	char line[LINE];

	say(line, award, award->reason);
	snprintf(run->error, sizeof run->error, "%s", line);
	d->issue->control->complain(line);
}

static bool is_refused(const struct award *award)
{
	return award->status == AWARD_REFUSED || award->status == AWARD_PARKED ||
	       award->status == AWARD_TAKEN;
}

static void count(struct desk *d, struct run *run, const struct award *award)
{
	char line[LINE];

	run->in++;
	run->already += award->status == AWARD_ALREADY;
	run->refused += is_refused(award);
	run->done += award_is_assigned(award);
	run->dead += award_is_dead(award);
	if (*award->reason)
		complain(d, run, award);
	if (award->status != AWARD_PARKED)
		return;
	say(line, award, "parked: its dead letter can be sent again");
	d->issue->control->note(line);
}

/* That the event has gone meanwhile is nothing to this one. The first failure counts. */
static int marked(void *self, struct reply *reply, struct fault *why)
{
	struct desk *d = self;

	if (reply || why->no_event || d->failed)
		return 0;
	d->failed = true;
	d->fault = *why;
	return 0;
}

static int post(struct desk *d, struct fault *why)
{
	return step_post(&d->step, d->issue->redis, (struct taker){marked, d}, why);
}

static int mark_done(struct desk *d, const struct group *g, struct fault *why)
{
	if (!group_has(g, award_is_assigned))
		return 0;
	award_done_begin(&d->step, &g->book->place, g->book->run.id);
	for (size_t a = 0; a < g->count; a++)
		if (award_is_assigned(g->award[a]))
			award_done_add(&d->step, g->award[a]->issued.winner.user);
	return post(d, why);
}

static int park(struct desk *d, const struct group *g, struct fault *why)
{
	if (!group_has(g, award_given_up))
		return 0;
	award_park_begin(&d->step, &g->book->place, g->book->run.id, d->books.fresh.run);
	for (size_t a = 0; a < g->count; a++)
		if (award_given_up(g->award[a]))
			award_park_add(&d->step, g->award[a]->issued.winner.user,
				       g->award[a]->partition, g->award[a]->offset);
	return post(d, why);
}

int chunk_finish(struct chunk *c, struct desk *d, struct fault *why)
{
	for (size_t r = 0; r < c->count; r++)
		if (c->award[r].status == AWARD_MALFORMED)
			count(d, &d->books.nameless, &c->award[r]);
	for (size_t i = 0; i < c->groups; i++) {
		struct group *g = &c->group[i];

		for (size_t a = 0; a < g->count; a++)
			count(d, g->book ? &g->book->run : &d->books.nameless, g->award[a]);
	}
	for (size_t i = 0; i < c->groups; i++)
		if (mark_done(d, &c->group[i], why) < 0 || park(d, &c->group[i], why) < 0)
			return -1;
	return 0;
}
