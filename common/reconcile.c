#include "reconcile.h"

#include "code.h"

#include <inttypes.h>

static int conflict(const struct issued *ours, const struct issued *theirs, struct fault *why)
{
	return fault_set(why, EX_SOFTWARE,
			 "event '%s': redis has ticket %" PRId64 " for '%s', the ledger has ticket "
			 "%" PRId64 " for '%s': one of them is not this event's",
			 ours->winner.event, ours->winner.ticket, ours->winner.user,
			 theirs->winner.ticket, theirs->winner.user);
}

/* Redis takes over what the ledger holds, or a fresh code where another ticket holds ours. */
static int settle(const struct reconcile *r, struct issued *issued, const struct issued *theirs,
		  enum ledger_answer answer, struct fault *why)
{
	bool taken = answer == LEDGER_CODE_TAKEN;
	int adopted;

	if (taken && code_make(r->uuid_codes, issued->code, why) < 0)
		return -1;
	if (!taken)
		*issued = *theirs;
	adopted = award_adopt(r->step, r->redis, r->place, issued, taken, why);
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

static int keep_one(const struct reconcile *r, struct issued *issued, struct fault *why)
{
	for (;;) {
		struct issued theirs;
		int answer = ledger_keep(r->ledger, issued, &theirs, why);

		if (answer < 0)
			return -1;
		if (answer == LEDGER_CONFLICT)
			return conflict(issued, &theirs, why);
		if (answer == LEDGER_KEPT || (answer == LEDGER_SAME && same_times(issued, &theirs)))
			return 0;
		if (settle(r, issued, &theirs, (enum ledger_answer)answer, why) < 0)
			return -1;
		if (answer != LEDGER_CODE_TAKEN)
			return 0;
	}
}

int reconcile_keep(const struct reconcile *r, struct award **award, size_t count, struct fault *why)
{
	for (size_t a = 0; a < count; a++)
		if (award[a]->status == AWARD_ASSIGNED && keep_one(r, &award[a]->issued, why) < 0)
			return -1;
	return 0;
}
