/*
 * books.h - the events a run of fcfs-issue has met, and what it counts for each of them (P7).
 */
#ifndef FCFS_BOOKS_H
#define FCFS_BOOKS_H

#include "bus.h"
#include "control.h"
#include "ledger.h"
#include "run.h"
#include "step.h"

struct book {
	struct place place;
	bool uuid_codes;
	struct run run;
	int64_t told; /* revokes, when the ledger was told of them last: revoked.h */
};

struct books {
	const char *bus; /* what feeds this run: events of another one are none of its business */
	const char *prefix;
	struct source *source; /* says which events were rebuilt */
	struct ledger *ledger; /* NULL: none */
	bool swaps; /* one of the events has a pool: the ledger may want its codes for other tickets */
	bool exclusive; /* no other run that says so issues these events at the same time: job.h */
	struct book **book;
	size_t count;
	int64_t held_ms, kept_ms; /* when the locks were held last, and the records kept, */
	int64_t ledger_ms;	  /* and those in the ledger */
	struct run fresh;	  /* as each book's run begins */
	struct run nameless;	  /* of records that belong to no event */
};

void books_init(struct books *, const char *bus, const char *prefix);
void books_release(struct books *);

/* The book of an event met before, or NULL. */
struct book *books_find(const struct books *, const struct winner *);

/* The book of a winner's event; its run record is kept from now on. NULL with a
 * reason where there is no such event or id; NULL and why, and the reason "", where it cannot be told,
 * where the operator pipes what goes through Kafka (EX_CONFIG), another run issues it alone
 * (EX_TEMPFAIL), or this Redis has a copy of it that is older than its rebuild (EX_PROTOCOL; P5, P9). */
struct book *books_open(struct books *, struct redis *, const struct winner *, char reason[96],
			struct fault *why);

/* To be called about once a second. Due: then books_tend holds the locks and keeps the records anew, no
 * transaction of the ledger being open. EX_TEMPFAIL where another run has a lock by now. */
bool books_due(const struct books *);
int books_tend(struct books *, struct redis *, struct fault *why);

/* Says what was counted and keeps the run records: in Redis, unless that is lost, and in the ledger
 * (NULL: none); frees the locks. One that cannot be kept does not keep the others from it; -1 then. */
int books_keep(struct books *, struct redis *, struct ledger *, const struct control *,
	       const char *status, struct fault *why);

/* What ended the run: the last error of all its records. */
void books_blame(struct books *, const struct fault *why);

int64_t books_dead(const struct books *); /* records, in all */

#endif
