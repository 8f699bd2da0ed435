/*
 * deliver_private.h - one batch of deliver.h: its parcels, and where each is on its way.
 */
#ifndef FCFS_DELIVER_PRIVATE_H
#define FCFS_DELIVER_PRIVATE_H

#include "deliver.h"
#include "remedy.h"

#include <sys/queue.h>

/* A parcel's way through a batch. */
struct slot {
	TAILQ_ENTRY(slot) link;
	struct parcel *parcel;
	struct slot *twin; /* of the same id and ticket, asked for both; NULL: none */
	enum { WAITING, ASKED, LATER, SETTLED } state;
	bool alone; /* a process died while this was the oldest: nothing beside it */
	unsigned
		streak; /* the row of processes without an answer of which one ended over it; 0: none */
	int64_t due_ms; /* of LATER */
};

TAILQ_HEAD(queue, slot);

struct batch {
	struct slot *slot;    /* in the parcels' order */
	struct slot **by_key; /* by id and ticket */
	size_t count;
	struct queue waiting, asked, later; /* asked: in that order */
	size_t in_flight;		    /* the length of asked */
	size_t unsettled;
	int64_t now_ms;	   /* kept by the loop */
	int64_t oldest_ms; /* since when the first of asked is that */
};

/* All parcels wait. 0, or -1 with EX_OSERR; to be released in either case. */
int batch_init(struct batch *, struct parcel *, size_t count, struct fault *why);
void batch_release(struct batch *);

/* The one an answer is for, or NULL. */
struct slot *batch_find(const struct batch *, const struct answer *);

/* One waits over which no process of this streak has ended yet. */
bool batch_has_other(const struct batch *, unsigned streak);

/* waiting -> asked */
void batch_ask(struct batch *, struct slot *);

/* asked -> settled: delivered */
void batch_deliver(struct batch *, struct slot *);

/* asked -> later, or settled, by the status in remedy.c's table and the tries it had */
void batch_fail(struct batch *, struct slot *, const struct retry *, int status, const char *text);

/* all asked -> waiting, in their order, before the others */
void batch_ask_again(struct batch *);

/* later -> waiting, where the pause is over */
void batch_wake(struct batch *);

#endif
