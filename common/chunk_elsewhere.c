/*
 * chunk_elsewhere.c - a second record of a ticket, in another partition than the first.
 *
 * Somebody has written a winner's record again, under another key, or a dead letter is sent again since
 * there are more partitions. Two issuers may then have one ticket in hand, each with an offset to commit.
 * The record by which it was assigned first settles it, so assigning it by the other is refused: it is
 * elsewhere. Whose record that is asks how far the first one's partition is committed:
 *
 *   not so far    it is being issued from there, or will be: this record is a dead letter, foreign
 *   beyond it     it is out, but was not marked yet, by an issuer that is about to do it, or died: it is
 *                 marked here, done, or parked where it is a dead letter (takeover.h); then this record
 *                 is assigned once more, and is already issued, or parked, or sent again
 *   nowhere       that record is gone, with its topic or by its age: the ticket is lifted from there,
 *                 and assigned by this one
 *
 * Dying in between leaves nothing: what is marked or lifted was to be so, and the record comes again.
 */
#include "chunk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_elsewhere(const struct award *award)
{
	return award->status == AWARD_ELSEWHERE;
}

/* Of the partition where the record is by which it was assigned: asked for the first one alone. */
static int find_reach(struct source *source, struct award **award, size_t at, struct reach *reach,
		      struct fault *why)
{
	struct span span = {.partition = award[at]->elsewhere.partition};

	for (size_t i = 0; i < at; i++)
		if (award[i]->elsewhere.partition == span.partition)
			return reach[at] = reach[i], 0;
	if (source->reach(source, span.partition, &reach[at], why) < 0)
		return -1;
	span.offset = reach[at].committed;
	return span.offset > 0 ? source->claim(source->claim_self, &span, 1, why) : 0;
}

static bool is_gone(const struct award *award, const struct reach *reach)
{
	return award->elsewhere.offset > reach->end || award->elsewhere.offset <= reach->low;
}

static int lift(struct desk *d, struct group *g, const struct award *award, struct fault *why)
{
	const struct winner *winner = &award->issued.winner;
	struct span record = award->elsewhere;

	record.offset--;
	return award_lift(&d->step, d->issue->redis, &g->book->place, winner->id, winner->user,
			  record, why);
}

/* Where it is out, it is marked; where it is gone, it is lifted. */
static int look(struct desk *d, struct group *g, struct award **award, struct reach *reach,
		size_t count, struct fault *why)
{
	for (size_t i = 0; i < count; i++) {
		if (find_reach(d->issue->source, award, i, reach, why) < 0)
			return -1;
		if (award[i]->elsewhere.offset > reach[i].committed &&
		    is_gone(award[i], &reach[i]) && lift(d, g, award[i], why) < 0)
			return -1;
	}
	return 0;
}

static void disown(struct award *award)
{
	award->status = AWARD_FOREIGN;
	snprintf(award->reason, sizeof award->reason,
		 "this ticket is being issued from partition %d offset %" PRId64,
		 award->elsewhere.partition, award->elsewhere.offset - 1);
}

static int resolve(struct desk *d, struct group *g, struct award **award, struct reach *reach,
		   struct fault *why)
{
	size_t count = 0;

	for (size_t a = 0; a < g->count; a++)
		if (is_elsewhere(g->award[a]))
			award[count++] = g->award[a];
	if (look(d, g, award, reach, count, why) < 0 ||
	    award_assign(&d->step, d->issue->redis, &g->book->place, desk_confirms(d), award, count,
			 why) < 0)
		return why->no_event ? group_disown(g, "no such event") : -1;
	for (size_t i = 0; i < count; i++)
		if (is_elsewhere(award[i]))
			disown(award[i]);
	return 0;
}

static int resolve_group(struct desk *d, struct group *g, struct fault *why)
{
	struct award **award = calloc(g->count, sizeof *award);
	struct reach *reach = calloc(g->count, sizeof *reach);
	int result = award && reach ? resolve(d, g, award, reach, why)
				    : fault_set(why, EX_OSERR, "out of memory");

	free(award);
	free(reach);
	return result;
}

int chunk_elsewhere(struct chunk *c, struct desk *d, struct fault *why)
{
	for (size_t i = 0; i < c->groups; i++)
		if (group_has(&c->group[i], is_elsewhere) &&
		    resolve_group(d, &c->group[i], why) < 0)
			return -1;
	return 0;
}
