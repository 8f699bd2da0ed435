#include "chunk.h"

#include "clock.h"
#include "code.h"
#include "reconcile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int chunk_init(struct chunk *c, size_t room, struct fault *why)
{
	memset(c, 0, sizeof *c);
	c->room = room;
	c->raw = calloc(room, sizeof *c->raw);
	c->award = calloc(room, sizeof *c->award);
	c->order = calloc(room, sizeof *c->order);
	c->group = calloc(room, sizeof *c->group);
	if (c->raw && c->award && c->order && c->group)
		return 0;
	chunk_release(c);
	return fault_errno(why, EX_OSERR, "a chunk of %zu", room);
}

void chunk_release(struct chunk *c)
{
	free(c->raw);
	free(c->award);
	free(c->order);
	free(c->group);
	memset(c, 0, sizeof *c);
}

/* Even that an event has gone is nothing to those that only mark it done. */
int desk_drain(struct desk *d, size_t leave, struct fault *why)
{
	while (redis_in_flight(d->redis) > leave) {
		struct reply reply = {0};

		if (redis_receive(d->redis, &reply, why) < 0 && !why->no_event)
			return -1;
		reply_release(&reply);
	}
	return 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

static void die(struct award *award, enum award_status status, const char *reason)
{
	award->status = status;
	snprintf(award->reason, sizeof award->reason, "%.159s", reason);
}

static int compare_events(const struct winner *x, const struct winner *y)
{
	int order = strcmp(x->event, y->event);

	return order ? order : strcmp(x->id, y->id);
}

static int compare_tickets(const struct award *x, const struct award *y)
{
	const struct winner *a = &x->issued.winner, *b = &y->issued.winner;
	int order = compare_events(a, b);

	return order ? order : (a->ticket > b->ticket) - (a->ticket < b->ticket);
}

/* By event, id and ticket, then as they came. */
static int by_ticket(const void *a, const void *b)
{
	const struct award *x = *(struct award *const *)a, *y = *(struct award *const *)b;
	int order = compare_tickets(x, y);

	return order ? order : (x > y) - (x < y);
}

void chunk_read(struct chunk *c, size_t count)
{
	c->count = count;
	c->live = 0;
	for (size_t r = 0; r < count; r++) {
		struct award *award = &c->award[r];
		const struct incoming *raw = &c->raw[r];
		struct fault why;

		memset(award, 0, sizeof *award);
		award->number = raw->number;
		award->partition = raw->partition;
		award->offset = raw->offset;
		award->replays = raw->replays;
		if (record_read_winner(raw->bytes, raw->len, &award->issued.winner, &why) < 0)
			die(award, AWARD_MALFORMED, why.line);
		else
			c->order[c->live++] = award;
		if (award->issued.winner.replays > award->replays)
			award->replays = award->issued.winner.replays;
	}
	qsort(c->order, c->live, sizeof *c->order, by_ticket);
}

bool chunk_shares(const struct chunk *a, const struct chunk *b)
{
	size_t i = 0, j = 0;

	while (i < a->live && j < b->live) {
		int order = compare_tickets(a->order[i], b->order[j]);

		if (order == 0)
			return true;
		if (order < 0)
			i++;
		else
			j++;
	}
	return false;
}

static void make_groups(struct chunk *c)
{
	c->groups = 0;
	for (size_t i = 0; i < c->live; i++) {
		if (i == 0 || compare_events(&c->order[i - 1]->issued.winner,
					     &c->order[i]->issued.winner) != 0)
			c->group[c->groups++] = (struct group){.award = &c->order[i]};
		c->group[c->groups - 1].count++;
	}
}

/* --- assigning -------------------------------------------------------------------------------- */

static int disown(struct group *g, const char *reason)
{
	for (size_t a = 0; a < g->count; a++)
		die(g->award[a], AWARD_FOREIGN, reason);
	return 0;
}

/* 0, with the book, or without where there is no such event; -1. */
static int find_book(struct desk *d, struct group *g, struct fault *why)
{
	const struct winner *winner = &g->award[0]->issued.winner;
	char reason[96];

	g->book = books_find(&d->books, winner);
	if (g->book)
		return 0;
	if (desk_drain(d, 0, why) < 0)
		return -1;
	g->book = books_open(&d->books, d->redis, winner, reason, why);
	if (g->book)
		return 0;
	return *reason ? disown(g, reason) : -1;
}

/* Those that were parked and are sent again can be assigned again. */
static int unpark(struct desk *d, struct group *g, struct fault *why)
{
	bool replayed = false;

	for (size_t a = 0; a < g->count; a++)
		replayed = replayed || g->award[a]->replays > 0;
	if (!replayed)
		return 0;
	return desk_drain(d, REDIS_WINDOW - 1, why) < 0
		       ? -1
		       : award_unpark_send(&d->step, d->redis, &g->book->place, g->award, g->count,
					   why);
}

static int assign(struct desk *d, struct group *g, struct fault *why)
{
	struct reply reply = {0};
	int result = find_book(d, g, why);

	if (result < 0 || !g->book)
		return result;
	for (size_t a = 0; a < g->count && result == 0; a++)
		result = code_make(g->book->uuid_codes, g->award[a]->issued.code, why);
	if (result < 0 || unpark(d, g, why) < 0 || desk_drain(d, REDIS_WINDOW - 1, why) < 0 ||
	    award_assign_send(&d->step, d->redis, &g->book->place, g->award, g->count, why) < 0 ||
	    desk_drain(d, 1, why) < 0)
		return -1;
	if (redis_receive(d->redis, &reply, why) < 0) /* or purged since we met it */
		return why->no_event ? disown(g, "no such event") : -1;
	result = award_assign_read(&reply, g->award, g->count, why);
	reply_release(&reply);
	return result;
}

int chunk_assign(struct chunk *c, struct desk *d, struct fault *why)
{
	make_groups(c);
	for (size_t g = 0; g < c->groups; g++)
		if (assign(d, &c->group[g], why) < 0)
			return -1;
	return 0;
}

/* --- keeping, putting, finishing -------------------------------------------------------------- */

static bool any(const struct group *g, bool (*is)(const struct award *))
{
	for (size_t a = 0; a < g->count; a++)
		if (is(g->award[a]))
			return true;
	return false;
}

static bool is_assigned(const struct award *award)
{
	return award->status == AWARD_ASSIGNED;
}

static int keep(struct desk *d, const struct group *g, struct fault *why)
{
	const struct reconcile reconcile = {d->ledger, d->redis, &d->step, &g->book->place,
					    g->book->uuid_codes};

	return reconcile_keep(&reconcile, g->award, g->count, why);
}

static int keep_groups(struct chunk *c, struct desk *d, struct fault *why)
{
	for (size_t i = 0; i < c->groups; i++) {
		const struct group *g = &c->group[i];

		if (any(g, is_assigned) && keep(d, g, why) < 0)
			return -1;
	}
	return ledger_commit(d->ledger, why);
}

int chunk_keep(struct chunk *c, struct desk *d, struct fault *why)
{
	const struct group whole = {.award = c->order, .count = c->live};

	if (!d->ledger || !any(&whole, is_assigned))
		return 0;
	if (desk_drain(d, 0, why) < 0 || ledger_begin(d->ledger, why) < 0)
		return -1;
	if (keep_groups(c, d, why) == 0)
		return 0;
	ledger_rollback(d->ledger);
	return -1;
}

static bool is_dead(const struct award *award)
{
	return award->status >= AWARD_FOREIGN;
}

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

	return d->sink->put(d->sink, &outgoing, why);
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
	return d->sink->put(d->sink, &outgoing, why);
}

int chunk_put(struct chunk *c, struct desk *d, struct fault *why)
{
	int result = 0;

	for (size_t r = 0; r < c->count && result == 0; r++) {
		if (is_dead(&c->award[r]))
			result = put_dead(d, &c->award[r], &c->raw[r], why);
		else if (c->award[r].status == AWARD_ASSIGNED)
			result = put_issued(d, &c->award[r].issued, why);
	}
	return result;
}

enum { LINE = 256 };

/* Names the place and the reason, never the bytes: they may hold a code. */
static void say(char line[LINE], const struct award *award, const char *reason)
{
	if (award->partition < 0)
		snprintf(line, LINE, "line %" PRId64 ": %.180s", award->number, reason);
	else
		snprintf(line, LINE, "partition %d offset %" PRId64 ": %.180s", award->partition,
			 award->offset, reason);
}

static void bury(struct desk *d, struct run *run, const struct award *award)
{
	char line[LINE];

	say(line, award, award->reason);
	run->dead++;
	snprintf(run->error, sizeof run->error, "%s", line);
	d->control->complain(line);
}

static void count(struct desk *d, struct run *run, const struct award *award)
{
	char line[LINE];

	run->in++;
	run->already += award->status == AWARD_ALREADY;
	run->refused += award->status == AWARD_REFUSED || award->status == AWARD_PARKED;
	run->done += award->status == AWARD_ASSIGNED;
	if (is_dead(award))
		bury(d, run, award);
	if (award->status != AWARD_PARKED)
		return;
	say(line, award, "parked: its dead letter can be sent again");
	d->control->note(line);
}

static int finish(struct desk *d, struct group *g, struct fault *why)
{
	const struct place *place = g->book ? &g->book->place : NULL;

	if (any(g, is_assigned) &&
	    (desk_drain(d, REDIS_WINDOW - 1, why) < 0 ||
	     award_done_send(&d->step, d->redis, place, g->award, g->count, why) < 0))
		return -1;
	if (any(g, award_given_up) && (desk_drain(d, REDIS_WINDOW - 1, why) < 0 ||
				       award_park_send(&d->step, d->redis, place, g->award,
						       g->count, d->books.fresh.run, why) < 0))
		return -1;
	return 0;
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
		if (finish(d, &c->group[i], why) < 0)
			return -1;
	return 0;
}
