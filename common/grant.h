/*
 * grant.h - the dispatcher's atomic steps: take, keep and give back the lease; grant.
 */
#ifndef FCFS_GRANT_H
#define FCFS_GRANT_H

#include "step.h"

enum { LEASE_MS = 5000 };

struct lease {
	const char *owner;     /* who asks; borrowed */
	int64_t epoch;	       /* of this holding */
	char id[UUID_LEN + 1]; /* the event's */
	int64_t settled;       /* all tickets up to it are issued or given back */
	char holder[128];      /* of a busy lease: who, */
	int64_t busy_ms;       /* and for how long at most */
};

enum lease_answer { LEASE_BUSY, LEASE_HELD };

/* Asks once. Returns an enum lease_answer, or -1: EX_CONFIG where the event uses another bus. */
int lease_take(struct step *, struct redis *, const struct place *, const char *bus, struct lease *,
	       struct fault *why);

/* 1, 0 where it is held no more, or -1. */
int lease_renew(struct step *, struct redis *, const struct place *, const struct lease *,
		struct fault *why);
int lease_release(struct step *, struct redis *, const struct place *, const struct lease *,
		  struct fault *why);

/* The grant step (common/lua/grant.lua). The answer: verdict, upto, fresh, then person, ticket,
 * joined_us, granted_us a winner. The caller releases it. */
int grant(struct step *, struct redis *, const struct place *, const struct lease *, int64_t after,
	  int64_t count, int64_t limit, struct reply *, struct fault *why);

#endif
