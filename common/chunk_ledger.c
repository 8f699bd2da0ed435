/*
 * chunk_ledger.c - a chunk's two transactions of the ledger: its rows, and what became of them. Each is
 * made once more, after a pause, while its fault is one that passes by itself. The first one's commit goes on while
 * other chunks have their turn. Small chunks share it: a commit takes about as long for many rows as for few. What
 * goes wrong with several is made again with the oldest alone, so that a fault is that one's.
 */
#include "chunk.h"

#include "clock.h"
#include "reconcile.h"
#include "remedy.h"

#include <poll.h>

enum { TICK_MS = 500 };

typedef int transaction(struct chunk *, struct desk *, struct fault *);

/* --- once more -------------------------------------------------------------------------------- */

/* 0 when so long has passed, -1: asked to stop. That the chunk is lost meanwhile shows when it is to be
 * committed. */
static int rest(struct desk *d, int64_t ms)
{
	struct pollfd stop = {.fd = d->issue->control->stop_fd, .events = POLLIN};
	int64_t until_ms = clock_ms() + ms, left_ms;
	struct fault ignored;

	while ((left_ms = until_ms - clock_ms()) > 0) {
		poll(&stop, 1, (int)(left_ms < TICK_MS ? left_ms : TICK_MS));
		if (d->issue->control->stopping())
			return -1;
		d->waiting(d->waiting_self, &ignored);
	}
	return 0;
}

/* A Redis that is lost has been waited for already. */
static bool passes(const struct desk *d, const struct fault *why)
{
	return redis_fd(d->issue->redis) >= 0 &&
	       remedy_of(PART_LEDGER, why->status) == REMEDY_AGAIN;
}

static void count_retry(struct chunk *c, struct desk *d, const struct fault *why)
{
	d->issue->control->note(why->line);
	for (size_t i = 0; i < c->groups; i++)
		if (c->group[i].book)
			c->group[i].book->run.retried++;
}

static int again(struct chunk *c, struct desk *d, transaction *make, struct fault *why)
{
	int result;

	for (int failures = 1; (result = make(c, d, why)) < 0; failures++) {
		ledger_rollback(d->issue->ledger);
		if (failures > d->issue->retry.retries || !passes(d, why) ||
		    rest(d, retry_delay_ms(&d->issue->retry, failures)) < 0)
			return -1;
		count_retry(c, d, why);
	}
	return result;
}

/* Something went wrong with several, of which this is the oldest: what may pass by itself is tried again with that one,
 * anything else is told when it meets it, too. */
static void part(struct chunk *oldest, struct desk *d, const struct fault *why)
{
	ledger_rollback(d->issue->ledger);
	if (passes(d, why))
		count_retry(oldest, d, why);
}

/* --- keep ------------------------------------------------------------------------------------- */

static int keep_group(struct desk *d, const struct group *g, struct fault *why)
{
	const struct reconcile reconcile = {d->issue->ledger, d->issue->redis, &d->step,
					    &g->book->place, g->book->uuid_codes};

	return reconcile_keep(&reconcile, g->award, g->count, why);
}

static int keep_rows(struct chunk *c, struct desk *d, struct fault *why)
{
	for (size_t i = 0; i < c->groups; i++) {
		const struct group *g = &c->group[i];

		if (group_has(g, award_is_assigned) && keep_group(d, g, why) < 0)
			return -1;
	}
	return 0;
}

static int keep_together(struct chunk *const *c, size_t count, struct desk *d, struct fault *why)
{
	if (ledger_begin(d->issue->ledger, why) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (keep_rows(c[i], d, why) < 0)
			return -1;
	return ledger_commit_post(d->issue->ledger, why);
}

static int keep(struct chunk *c, struct desk *d, struct fault *why)
{
	return keep_together(&c, 1, d, why);
}

/* What was posted, or, where that has failed, all of it again. */
static int settle(struct chunk *c, struct desk *d, struct fault *why)
{
	if (!ledger_posted(d->issue->ledger) && keep(c, d, why) < 0)
		return -1;
	return ledger_commit_settle(d->issue->ledger, why);
}

static bool has_rows(const struct chunk *c)
{
	const struct group whole = {.award = c->order, .count = c->live};

	return group_has(&whole, award_is_assigned);
}

int chunk_keep(struct chunk *const *c, size_t count, struct desk *d, struct fault *why)
{
	bool any = false;

	for (size_t i = 0; i < count; i++)
		any = any || (d->issue->ledger && has_rows(c[i]));
	if (any && count > 1 && keep_together(c, count, d, why) < 0) {
		part(c[0], d, why);
		count = 1;
	}
	if (any && count == 1 && again(c[0], d, keep, why) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		c[i]->phase = any ? CHUNK_KEEPING : CHUNK_KEPT;
	return 0;
}

static int settle_posted(struct desk *d, struct fault *why)
{
	if (ledger_posted(d->issue->ledger))
		return ledger_commit_settle(d->issue->ledger, why);
	return fault_set(why, EX_TEMPFAIL, "ledger: nobody knows what became of a commit");
}

int chunk_kept(struct chunk *const *c, size_t count, struct desk *d, struct fault *why)
{
	if (count > 1 && settle_posted(d, why) < 0) {
		part(c[0], d, why);
		for (; count > 1; count--)
			c[count - 1]->phase = CHUNK_ASKED;
	}
	if (count == 1 && again(c[0], d, settle, why) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		c[i]->phase = CHUNK_KEPT;
	return 0;
}

/* --- mark ------------------------------------------------------------------------------------- */

/* By this run: what was delivered before is marked already. */
static bool has_news(const struct award *award)
{
	return award->attempts > 0 && (award->delivered_us || award_given_up(award));
}

static int mark_group(struct chunk *c, struct desk *d, const struct group *g, struct fault *why)
{
	size_t count = 0;

	for (size_t a = 0; a < g->count; a++) {
		const struct award *award = g->award[a];

		if (has_news(award))
			c->mark[count++] = (struct ledger_mark){
				.ticket = award->issued.winner.ticket,
				.state = award_given_up(award) ? LEDGER_PARKED : LEDGER_ISSUED,
				.delivered_us = award->delivered_us};
	}
	if (count == 0)
		return 0;
	return ledger_mark(d->issue->ledger, g->book->run.id, c->mark, count, why) < 0 ? -1 : 0;
}

static int mark_all(struct chunk *c, struct desk *d, struct fault *why)
{
	for (size_t i = 0; i < c->groups; i++)
		if (mark_group(c, d, &c->group[i], why) < 0)
			return -1;
	return 0;
}

/* Redis is asked while the marks hold the rows: who has a ticket now has told Redis so before it keeps
 * its row, and either we hear of that here, or it keeps the row after our commit. */
static int mark(struct chunk *c, struct desk *d, struct fault *why)
{
	int confirmed;

	do {
		if (ledger_begin(d->issue->ledger, why) < 0 || mark_all(c, d, why) < 0)
			return -1;
		confirmed = chunk_confirm(c, d, why);
		if (confirmed > 0)
			ledger_rollback(d->issue->ledger);
	} while (confirmed == CHUNK_CHANGED);
	return confirmed == 0 ? ledger_commit(d->issue->ledger, why) : confirmed;
}

int chunk_mark(struct chunk *c, struct desk *d, struct fault *why)
{
	const struct group whole = {.award = c->order, .count = c->live};
	int confirmed;

	if (d->issue->ledger && group_has(&whole, has_news))
		return again(c, d, mark, why);
	confirmed = chunk_confirm(c, d, why);
	return confirmed == CHUNK_CHANGED ? 0 : confirmed;
}
