/*
 * bus.h - the seam: where records come from and where they go. The loops (dispatch, issue) know
 * only this; stdin and stdout are one implementation (pipe.h).
 */
#ifndef FCFS_BUS_H
#define FCFS_BUS_H

#include "control.h"
#include "fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct incoming {
	const char *bytes; /* borrowed until the next take */
	size_t len;
	int64_t number;	   /* line number, from 1 */
	int32_t partition; /* -1: none */
	int64_t offset;	   /* -1: none */
};

struct source {
	/* Up to max records: waits for the first, takes the others only if they are there. Returns
	 * how many; 0 at the end, or when control says to stop; -1. */
	int (*take)(struct source *, struct incoming *, size_t max, const struct control *,
		    struct fault *why);
	bool (*idle)(struct source *); /* would take wait now? */
	void (*close)(struct source *);
};

struct sink {
	const char *name; /* of the bus; the event keeps it: "pipe" */
	/* Accepts one record (no newline in it). */
	int (*put)(struct sink *, const char *bytes, size_t len, struct fault *why);
	/* Returns when all that was put is out: EX_IOERR if it was refused. */
	int (*flush)(struct sink *, struct fault *why);
	/* EX_IOERR where nothing put from now on can get out: for who has long had nothing to put. */
	int (*check)(struct sink *, struct fault *why);
	void (*close)(struct sink *); /* what was not flushed is dropped */
	/* Called about once a second while put or flush must wait; NULL: not. */
	int (*waiting)(void *self, struct fault *why);
	void *waiting_self;
};

#endif
