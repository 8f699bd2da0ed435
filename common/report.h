/*
 * report.h - what became of an event: its counters, how long people waited, how fast it went.
 *
 * It is read from Redis, or from an archive, in bounded memory. An event that is still going on moves
 * meanwhile: its counters are of the beginning, its times of the pages as they were read.
 */
#ifndef FCFS_REPORT_H
#define FCFS_REPORT_H

#include "control.h"
#include "event.h"
#include "histogram.h"
#include "record.h"

/* One granted ticket. */
struct report_row {
	struct issued issued; /* the code only where it was asked for */
	char state[16];	      /* granted, assigned, parked, issued, returned, revoked */
};

/* What is wanted of an event beside its totals; what is NULL is not looked for. */
struct report_visitor {
	void *self;
	bool codes; /* in the rows */
	/* each granted ticket, in order, until -1 */
	int (*row)(void *self, const struct report_row *, struct fault *);
	/* how many joined in each second in which somebody did */
	void (*second)(void *self, int64_t joins);
	/* each run record, oldest first, until -1 */
	int (*run)(void *self, const char *json, size_t len, struct fault *);
};

/* Where an event is read from. */
struct report_source {
	char event[EVENT_MAX + 1];
	int (*read)(struct report_source *, const struct report_visitor *, struct event *,
		    struct fault *why);
	void (*close)(struct report_source *);
};

/* NULL and why. Both are borrowed. */
struct report_source *report_from_redis(struct redis *, const struct place *, struct fault *why);

/* An archive on fd, which stays the caller's; it is checked while it is read, which may be done once.
 * NULL and why: EX_DATAERR. */
struct report_source *report_from_archive(int fd, const struct control *, struct fault *why);

struct report {
	struct event event;
	struct histogram granted_after_us; /* from joining to the grant */
	struct histogram issued_after_us;  /* from joining to the code */
	int64_t first_issued_us, last_issued_us;
	int64_t peak_joins;			  /* in the busiest second */
	int64_t unissued;			  /* granted, not given back, not issued */
	int64_t oldest_ticket, oldest_granted_us; /* of the unissued; 0: none */
};

int report_read(struct report_source *, const struct control *, struct report *, struct fault *why);

/* So many a second from the first to the last; NAN where these are not two times. */
double report_joins_per_s(const struct report *);
double report_issued_per_s(const struct report *);

#endif
