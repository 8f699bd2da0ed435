/*
 * stream.h - asks one question about many people and hears the answers in order.
 *
 * People go out in calls of up to STREAM_BATCH, up to STREAM_CALLS in flight. A call leaves at once
 * when nothing is in flight, so one person never waits for company; while answers are awaited the
 * next call fills, so batches grow with the load. Nothing is read while the listener stands still,
 * so memory is bounded by STREAM_CALLS * STREAM_BATCH people.
 *
 * On a connection that waits for replicas once (redis.h), those of a call that too few of them have are
 * answered `unconfirmed`, with nothing in the other columns: perhaps they have what they asked for.
 */
#ifndef FCFS_STREAM_H
#define FCFS_STREAM_H

#include "buffer.h"
#include "control.h"
#include "people.h"

enum { STREAM_BATCH = 500, STREAM_CALLS = 4, STREAM_COLUMNS = 5 };

struct question {
	const char *function; /* enter, leave, rank */
	bool reads_only;
	const struct place *place;
	const char *args[2]; /* in front of the people; NULL: none */
	bool numbered;	     /* behind each of them their number */
	/* The columns of an answer, a letter each: 't' text, 'i' integer, 'v' either, heard as text; 'n', which
	 * is not heard: so many people, one after the other, have this answer, and its integers rise by one
	 * from each to the next, or are 0 all along. */
	const char *types;
};

struct cell {
	const char *text; /* 't' and 'v' */
	size_t len;
	int64_t number; /* 'i' */
	char digits[INT_DIGITS];
};

struct listener {
	void *self;
	/* A person's answer; cells is NULL where the name was invalid. */
	int (*answer)(void *self, const struct person *, const struct cell *, struct fault *why);
	/* Input pauses and all is answered: flush. */
	int (*pause)(void *self, struct fault *why);
};

/* 0 when every person taken was answered: at the end, or when control says to stop. */
int stream_run(struct redis *, const struct question *, struct people *, const struct listener *,
	       const struct control *, struct fault *why);

#endif
