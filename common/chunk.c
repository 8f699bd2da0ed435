#include "chunk.h"

#include "code.h"

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
	c->parcel = calloc(room, sizeof *c->parcel);
	c->mark = calloc(room, sizeof *c->mark);
	if (c->raw && c->award && c->order && c->group && c->parcel && c->mark)
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
	free(c->parcel);
	free(c->mark);
	memset(c, 0, sizeof *c);
}

const char *desk_confirms(const struct desk *d)
{
	return d->issue->deliver ? d->books.fresh.run : "";
}

bool desk_spoilt(const struct desk *d, int64_t dead)
{
	return d->issue->skip_limit >= 0 && books_dead(&d->books) + dead > d->issue->skip_limit;
}

bool group_has(const struct group *g, bool (*is)(const struct award *))
{
	for (size_t a = 0; a < g->count; a++)
		if (is(g->award[a]))
			return true;
	return false;
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
	c->phase = CHUNK_TAKEN;
	c->failed = false;
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
			c->group[c->groups++] = (struct group){.chunk = c, .award = &c->order[i]};
		c->group[c->groups - 1].count++;
	}
}

/* --- assigning -------------------------------------------------------------------------------- */

int group_disown(struct group *g, const char *reason)
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
	g->book = books_open(&d->books, d->issue->redis, winner, reason, why);
	if (g->book)
		return 0;
	return *reason ? group_disown(g, reason) : -1;
}

/* The first one counts. */
static void fail(struct chunk *c, const struct fault *why)
{
	if (!c->failed)
		c->fault = *why;
	c->failed = true;
}

/* The answer to a group, which may have been purged since we met it. */
static int answered(void *self, struct reply *reply, struct fault *why)
{
	struct group *g = self;

	g->chunk->unanswered--;
	if (!reply && why->no_event)
		group_disown(g, "no such event");
	else if (!reply || award_assign_read(reply, g->award, g->count, why) < 0)
		fail(g->chunk, why);
	return 0;
}

static int ask(struct desk *d, struct group *g, struct fault *why)
{
	int result = find_book(d, g, why);

	if (result < 0 || !g->book)
		return result;
	for (size_t a = 0; a < g->count && result == 0; a++)
		result = code_make(g->book->uuid_codes, g->award[a]->issued.code, why);
	if (result < 0 ||
	    award_assign_post(&d->step, d->issue->redis, &g->book->place, desk_confirms(d),
			      g->award, g->count, (struct taker){answered, g}, why) < 0)
		return -1;
	g->chunk->unanswered++;
	return 0;
}

void chunk_ask(struct chunk *c, struct desk *d)
{
	struct fault why;

	make_groups(c);
	c->phase = CHUNK_ASKED;
	for (size_t g = 0; g < c->groups && !c->failed; g++)
		if (ask(d, &c->group[g], &why) < 0)
			fail(c, &why);
}

int chunk_answers(struct chunk *c, struct desk *d, struct fault *why)
{
	while (c->unanswered > 0)
		if (redis_settle(d->issue->redis, redis_in_flight(d->issue->redis) - 1, why) < 0)
			return -1;
	if (c->failed)
		*why = c->fault;
	return c->failed ? -1 : chunk_elsewhere(c, d, why);
}
