/*
 * page.h - a page of what an event has to publish: granted winners and, for a log, requests and
 * decisions, all of them beyond what the page before it had.
 *
 *   none --page_ask--> asked --page_hear--> heard --page_release--> none
 *
 * It is asked for while the page before it is put, so Redis and the bus work at once. What it grants
 * is granted, whether it is put or not: one that is dropped comes again, asked for by the progress.
 */
#ifndef FCFS_PAGE_H
#define FCFS_PAGE_H

#include "grant.h"

enum { PAGE_ROWS = 1000 }; /* of each kind, at most */

enum page_state { PAGE_NONE, PAGE_ASKED, PAGE_HEARD };

struct page {
	enum page_state state;
	bool log;	      /* with requests and decisions */
	struct progress from; /* what is out before it */
	/* heard: */
	bool failed; /* as `why` says: the rest says nothing */
	struct fault why;
	int64_t connections;	/* redis_connections, behind the first answer */
	struct progress upto;	/* what is out with it */
	char verdict[16];	/* of the grant */
	int64_t fresh;		/* granted by this very step */
	bool full;		/* there are more requests or decisions than a page */
	struct reply winners;	/* person, ticket, joined_us, granted_us */
	struct reply requests;	/* person, joined_us */
	struct reply decisions; /* a record */
};

/* With nothing else in flight. Up to `winners` of them, `limit` of these new ones. */
int page_ask(struct page *, struct step *, struct redis *, const struct place *, struct lease *,
	     const struct progress *from, bool log, int64_t winners, int64_t limit,
	     struct fault *why);

/* Waits for its answers: afterwards nothing is in flight, unless the server is lost. */
void page_hear(struct page *, struct redis *, const struct place *);

void page_release(struct page *);

#endif
