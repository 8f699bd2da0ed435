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
 *
 * Dying in between leaves nothing: what is marked was to be marked, and the record comes again.
 */
#include "chunk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_elsewhere(const struct award *award)
{
	return award->status == AWARD_ELSEWHERE;
}

/* Taking over a partition is for all that is committed of it. */
static bool is_first_of_its_partition(struct award **award, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (award[i]->elsewhere.partition == award[at]->elsewhere.partition)
			return false;
	return true;
}

static int mark_what_is_out(struct source *source, struct award **award, size_t count,
			    struct fault *why)
{
	for (size_t i = 0; i < count; i++) {
		struct span span = award[i]->elsewhere;

		if (!is_first_of_its_partition(award, i))
			continue;
		if (source->committed(source, &span, why) < 0 ||
		    (span.offset > 0 && source->claim(source->claim_self, &span, 1, why) < 0))
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

static int resolve(struct desk *d, struct group *g, struct award **award, struct fault *why)
{
	size_t count = 0;

	for (size_t a = 0; a < g->count; a++)
		if (is_elsewhere(g->award[a]))
			award[count++] = g->award[a];
	if (mark_what_is_out(d->source, award, count, why) < 0)
		return -1;
	if (award_assign(&d->step, d->redis, &g->book->place, d->deliver ? d->books.fresh.run : "",
			 award, count, why) < 0)
		return why->no_event ? group_disown(g, "no such event") : -1;
	for (size_t i = 0; i < count; i++)
		if (is_elsewhere(award[i]))
			disown(award[i]);
	return 0;
}

int chunk_elsewhere(struct chunk *c, struct desk *d, struct fault *why)
{
	int result = 0;

	for (size_t i = 0; i < c->groups && result == 0; i++) {
		struct group *g = &c->group[i];
		struct award **award;

		if (!group_has(g, is_elsewhere))
			continue;
		award = calloc(g->count, sizeof *award);
		result = award ? resolve(d, g, award, why)
			       : fault_set(why, EX_OSERR, "out of memory");
		free(award);
	}
	return result;
}
