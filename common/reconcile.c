#include "reconcile.h"

#include "code.h"

#include <inttypes.h>
#include <stdlib.h>

static int conflict(const struct issued *ours, const struct issued *theirs, struct fault *why)
{
	return fault_set(why, EX_SOFTWARE,
			 "event '%s': redis has ticket %" PRId64 " for '%s', the ledger has ticket "
			 "%" PRId64 " for '%s': one of them is not this event's",
			 ours->winner.event, ours->winner.ticket, ours->winner.user,
			 theirs->winner.ticket, theirs->winner.user);
}

/* A pool that was gone through once, and other tickets have all of it, has none for this one. */
static int replace(const struct reconcile *r, struct issued *issued, const struct ledger_row *row,
		   int64_t round, struct fault *why)
{
	char fresh[CODE_UUID_LEN + 1];
	struct award_other other = {.fresh = fresh, .returned = row->state == LEDGER_RETURNED};
	int replaced;

	if (code_make(r->uuid_codes, fresh, why) < 0)
		return -1;
	replaced = award_replace(r->step, r->redis, r->place, issued, &other, why);
	return replaced > 0 && other.left >= 0 && round > other.left
		       ? award_dry(&issued->winner, why)
		       : replaced;
}

/* Redis takes over what the ledger holds, or another code where another ticket holds ours. */
static int settle(const struct reconcile *r, struct award *award, const struct ledger_row *row,
		  int64_t round, struct fault *why)
{
	struct issued *issued = &award->issued;
	int adopted;

	if (row->answer == LEDGER_CODE_TAKEN) {
		adopted = replace(r, issued, row, round, why);
	} else {
		*issued = row->found;
		adopted = row->answer == LEDGER_REVOKED
				  ? award_annul(r->step, r->redis, r->place, issued, why)
				  : award_adopt(r->step, r->redis, r->place, issued, why);
	}
	if (row->answer == LEDGER_REVOKED)
		award->status = AWARD_REFUSED;
	if (adopted == 0)
		return fault_set(why, EX_TEMPFAIL,
				 "event '%s': ticket %" PRId64 " was finished by another issuer: "
				 "run again",
				 issued->winner.event, issued->winner.ticket);
	return adopted < 0 ? -1 : 0;
}

static bool same_times(const struct issued *a, const struct issued *b)
{
	return a->issued_us == b->issued_us && a->winner.granted_us == b->winner.granted_us &&
	       a->winner.joined_us == b->winner.joined_us;
}

/* 1 where the row is to be kept once more, 0 where it is done, -1. */
static int follow(const struct reconcile *r, const struct ledger_row *row, struct award *award,
		  int64_t round, struct fault *why)
{
	struct issued *ours = &award->issued;

	award->delivered_us = row->delivered_us;
	if (row->answer == LEDGER_CONFLICT)
		return conflict(ours, &row->found, why);
	if (row->answer == LEDGER_KEPT ||
	    (row->answer == LEDGER_SAME && row->state != LEDGER_PARKED && /* is it still ours? */
	     same_times(ours, &row->found)))
		return 0;
	if (settle(r, award, row, round, why) < 0)
		return -1;
	return row->answer == LEDGER_CODE_TAKEN;
}

/* All that are left in one go, again while some are given another code. */
static int keep(const struct reconcile *r, struct award **left, struct ledger_row *row,
		size_t count, struct fault *why)
{
	for (int64_t round = 0; count > 0; round++) {
		size_t again = 0;

		for (size_t i = 0; i < count; i++)
			row[i].issued = &left[i]->issued;
		if (ledger_keep(r->ledger, row, count, why) < 0)
			return -1;
		for (size_t i = 0; i < count; i++) {
			int more = follow(r, &row[i], left[i], round, why);

			if (more < 0)
				return -1;
			if (more)
				left[again++] = left[i];
		}
		count = again;
	}
	return 0;
}

int reconcile_keep(const struct reconcile *r, struct award **award, size_t count, struct fault *why)
{
	struct award **left = malloc(count * sizeof *left);
	struct ledger_row *row = malloc(count * sizeof *row);
	size_t assigned = 0;
	int result;

	for (size_t a = 0; a < count && left && row; a++)
		if (award[a]->status == AWARD_ASSIGNED)
			left[assigned++] = award[a];
	result = left && row ? keep(r, left, row, assigned, why)
			     : fault_set(why, EX_OSERR, "out of memory");
	free(left);
	free(row);
	return result;
}
