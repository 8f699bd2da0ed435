/*
 * reconcile.h - a chunk's awards into the ledger. Where Redis and the ledger differ, after a failover
 * that forgot what was written, the ledger wins:
 *
 *   same ticket, person and code   nothing to do, but for times Redis has anew
 *   same ticket and person         Redis adopts the ledger's code and times
 *   same, but returned             Redis adopts the return: the award is refused, the slot the next one's
 *   code held by another ticket    it is burnt, and a fresh one takes its place; one of a pool is
 *                                  that ticket's, and the next of the pool is tried
 *   none of these                  EX_SOFTWARE, both rows named
 */
#ifndef FCFS_RECONCILE_H
#define FCFS_RECONCILE_H

#include "award.h"
#include "ledger.h"

struct reconcile {
	struct ledger *ledger;
	struct redis *redis;
	struct step *step;
	const struct place *place;
	bool uuid_codes;
};

/* Keeps those that were assigned, in the transaction that is open; what the ledger holds comes out
 * in them, and when it was delivered. EX_TEMPFAIL where another issuer finished one meanwhile. */
int reconcile_keep(const struct reconcile *, struct award **, size_t count, struct fault *why);

#endif
