/*
 * report.h - what became of an event: its counters, how long people waited, how fast it went.
 *
 * Read a page at a time in bounded memory. An event that is still going on moves meanwhile: its
 * counters are of the beginning, its times of the pages as they were read.
 */
#ifndef FCFS_REPORT_H
#define FCFS_REPORT_H

#include "control.h"
#include "event.h"
#include "histogram.h"
#include "record.h"

struct report {
	struct event event;
	struct histogram granted_after_us; /* from joining to the grant */
	struct histogram issued_after_us;  /* from joining to the code */
	int64_t first_issued_us, last_issued_us;
	int64_t peak_joins;			  /* in the busiest second */
	int64_t unissued;			  /* granted, not given back, not issued */
	int64_t oldest_ticket, oldest_granted_us; /* of the unissued; 0: none */
};

int report_read(struct redis *, const struct place *, const struct control *, struct report *,
		struct fault *why);

/* Joins a second from the first to the last; 0 for fewer than two. */
double report_joins_per_s(const struct report *);
double report_issued_per_s(const struct report *);

/* One granted ticket. */
struct report_row {
	struct issued issued; /* the code only where it was asked for */
	char state[16];	      /* granted, assigned, issued, returned, revoked */
};

/* Calls visit for every granted ticket in order, until it returns -1. */
int report_each(struct redis *, const struct place *, bool codes,
		int (*visit)(void *self, const struct report_row *, struct fault *), void *self,
		struct fault *why);

#endif
