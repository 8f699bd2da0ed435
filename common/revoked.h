/*
 * revoked.h - tells the ledger which codes were revoked: fcfs-leave knows no ledger, so whoever has one
 * asks Redis. The marks in an event's `left` are read, and the rows of those whose code was revoked, issued
 * or parked, are marked returned. Told twice, or killed in between and told again, it is the same; so it
 * is told anew when the event's count of revokes, which only grows, is another than when it was told last.
 */
#ifndef FCFS_REVOKED_H
#define FCFS_REVOKED_H

#include "ledger.h"
#include "step.h"

/* Of one event, unless *told, the count when it was told last (0: never), is what it has; of one that is
 * gone there is nothing to tell. With nothing in flight and no transaction open. How many rows were
 * marked, or -1: some may be. EX_TEMPFAIL, too, where replicas are waited for and the connection was lost
 * while the marks were read: who took over may lack them. */
int64_t revoked_tell(struct redis *, const struct place *, struct ledger *, int64_t *told,
		     struct fault *why);

/* Of all events, all of it. */
int64_t revoked_tell_all(struct redis *, const char *prefix, struct ledger *, struct fault *why);

#endif
