/*
 * run.h - the record of one run of a tool over one event, whose books balance (P7):
 * in = done + already + refused + dead.
 */
#ifndef FCFS_RUN_H
#define FCFS_RUN_H

#include "buffer.h"
#include "fault.h"
#include "name.h"
#include "who.h"

#include <stdbool.h>
#include <stdint.h>

struct run {
	char run[UUID_LEN + 1]; /* the same in all records of one process */
	char tool[16];		/* "issue", "dispatch" */
	char host[HOST_MAX + 1];
	char event[EVENT_MAX + 1]; /* "" for records that name no event */
	char id[UUID_LEN + 1];	   /* the event's, "" as above */
	char status[16];	   /* "running", "completed", "stopped" (a signal), "failed"; and
				    * "abandoned" (killed: by the server, when the next run begins) */
	int64_t started_us;
	int64_t ended_us; /* while it is running, and when abandoned: last heard of */
	int64_t in;
	int64_t done;
	int64_t already; /* issued before */
	int64_t refused; /* left meanwhile, or parked */
	int64_t dead;	 /* malformed, foreign, or given up */
	int64_t retried; /* times that something was tried again: no part of the balance */
	char error[256]; /* the last error, "" if none; never a code */
};

/* A new run id, this host and the start time (this machine's clock). */
void run_begin(struct run *, const char *tool);

/* Sets status, and ended_us to now. Bytes of error that are not UTF-8 (a character cut in two)
 * become '?'. */
void run_mark(struct run *, const char *status);

/* "event 'a': in 3 = done 2 + already 0 + refused 1 + dead 0, retried 4", for people. */
enum { RUN_BOOKS = 256 };
void run_books(char line[RUN_BOOKS], const struct run *);

bool run_balances(const struct run *);

/* {"type":"run","run":...} with the fields above, in that order. */
void run_json(struct buffer *, const struct run *);

/* Reads what run_json wrote. EX_PROTOCOL where it is none. */
int run_read(const char *json, size_t len, struct run *, struct fault *why);

#endif
