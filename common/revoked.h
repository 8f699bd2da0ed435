/*
 * revoked.h - tells the ledger which codes were revoked: fcfs-leave knows no ledger, so whoever has one
 * asks Redis. Where an event counts other revokes than the ledger has returned rows, its marks in
 * `left` are read, and the rows of those whose code was revoked, issued or parked, are marked returned.
 * Told twice, or killed in between and told again, it is the same.
 */
#ifndef FCFS_REVOKED_H
#define FCFS_REVOKED_H

#include "ledger.h"
#include "step.h"

/* Of one event; of one that is gone there is nothing to tell. With nothing in flight and no transaction
 * open. How many rows were marked, or -1: some may be. */
int64_t revoked_tell(struct redis *, const struct place *, struct ledger *, struct fault *why);

/* Of all events. */
int64_t revoked_tell_all(struct redis *, const char *prefix, struct ledger *, struct fault *why);

#endif
