/*
 * page.h - a page of what an event has to publish: winners and, for a log, requests and decisions, all of
 * them beyond what the page before it had.
 *
 *   none --page_ask--> asked --page_hear--> heard --page_release--> none
 *
 * What there is to publish is known when a page is asked for: a step has granted slots, and seen how long the
 * line was. The page brings who that is, and with page_ask_grant the next step's answer, for the page
 * behind it. It is asked for while the page before it is put, so Redis and the bus work at once. What was granted
 * is granted, whether it is put or not: a page that is dropped comes again, asked for by the progress.
 *
 * The event's id is read behind all else. While it is the lease's, the people are this event's, and
 * not those of one that was created anew since the step.
 */
#ifndef FCFS_PAGE_H
#define FCFS_PAGE_H

#include "grant.h"

enum { PAGE_ROWS = 1000 }; /* of each kind, at most */

enum page_state { PAGE_NONE, PAGE_ASKED, PAGE_HEARD };

/* In the order of asking. */
enum page_part { PART_WINNERS, PART_REQUESTS, PART_DECISIONS, PART_ID, PART_GRANT, PARTS };

struct page {
	enum page_state state;
	const struct lease *lease; /* borrowed */
	bool log;
	struct progress from; /* what is out before it */
	struct progress upto; /* what is out with it */
	struct granted granted;
	bool asked[PARTS];
	/* heard: */
	bool failed; /* as `why` says: the rest says nothing */
	struct fault why;
	bool stale; /* the event is another by now: the rest says nothing */
	bool torn;  /* the line is shorter than the step saw it */
	/* Person, joined_us of the winners, unless they are among the requests; of the requests; decisions. */
	struct reply part[PARTS];
	struct granted next; /* by the step that was asked for with it; else it has nothing new */
};

/* With nothing else in flight; `log`: with requests and decisions. `granted`, by a step for PAGE_ROWS tickets at
 * most, goes over to the page. */
int page_ask(struct page *, struct step *, struct redis *, const struct place *,
	     const struct lease *, const struct progress *from, bool log, struct granted *granted,
	     struct fault *why);

/* Behind page_ask: the next step, for up to `count` tickets, `limit` of these new ones. */
int page_ask_grant(struct page *, struct step *, struct redis *, const struct place *,
		   struct lease *, int64_t count, int64_t limit, struct fault *why);

/* Waits for its answers: afterwards nothing is in flight, unless the server is lost. */
void page_hear(struct page *, struct redis *, const struct place *);

/* Of a page that was heard: has a step seen anything that is to come on another? */
bool page_goes_on(const struct page *);

void page_release(struct page *);

#endif
