/*
 * chunk_deliver.c - a chunk's codes to the command that delivers them, and its verdicts.
 */
#include "chunk.h"

#include <assert.h>
#include <stdio.h>

static bool to_deliver(const struct award *award)
{
	return award->status == AWARD_ASSIGNED && !award->delivered_us;
}

static size_t pack(struct chunk *c)
{
	size_t count = 0;

	for (size_t a = 0; a < c->live; a++)
		if (to_deliver(c->order[a]))
			c->parcel[count++] = (struct parcel){.issued = &c->order[a]->issued};
	return count;
}

static void give_up(struct award *award, enum award_status status, const struct parcel *parcel)
{
	award->status = status;
	snprintf(award->reason, sizeof award->reason, "%s", parcel->why);
}

/* What is not final stays assigned, and is delivered another time. */
static void unpack(struct award *award, const struct parcel *parcel, bool final)
{
	award->attempts = parcel->attempts;
	award->first_us = parcel->first_us;
	award->last_us = parcel->last_us;
	award->delivered_us = parcel->delivered_us;
	assert(!final || parcel->verdict != UNDELIVERED);
	if (final && parcel->verdict == UNDELIVERABLE)
		give_up(award, AWARD_UNDELIVERABLE, parcel);
	else if (final && parcel->verdict == EXHAUSTED)
		give_up(award, AWARD_EXHAUSTED, parcel);
}

static void unpack_all(struct chunk *c, bool final)
{
	const struct parcel *parcel = c->parcel;

	for (size_t i = 0; i < c->groups; i++) {
		struct group *g = &c->group[i];

		for (size_t a = 0; a < g->count; a++) {
			if (!to_deliver(g->award[a]))
				continue;
			unpack(g->award[a], parcel, final);
			if (parcel->attempts > 1)
				g->book->run.retried += parcel->attempts - 1;
			parcel++;
		}
	}
}

int chunk_deliver(struct chunk *c, struct desk *d, struct fault *why)
{
	const struct group whole = {.award = c->order, .count = c->live};
	size_t count = pack(c);
	struct fault ignored;
	int result = 0;

	if (!d->issue->deliver || !group_has(&whole, award_is_assigned))
		return 0;
	if (redis_settle(d->issue->redis, 0, why) < 0)
		return -1;
	if (count > 0)
		result = deliver_batch(d->issue->deliver, c->parcel, count, d->waiting,
				       d->waiting_self, why);
	unpack_all(c, result == 0);
	if (result == 0)
		return chunk_mark(c, d, why);
	if (redis_fd(d->issue->redis) >= 0)
		chunk_mark(c, d, &ignored);
	return result;
}
