/*
 * fault.h - why a call failed, and which exit status says so.
 *
 * A fallible function takes `struct fault *why` last, fills it and returns -1.
 * Statuses are those of sysexits.h, the same in every tool:
 *   64 EX_USAGE, 65 EX_DATAERR, 69 EX_UNAVAILABLE, 70 EX_SOFTWARE, 71 EX_OSERR,
 *   74 EX_IOERR, 75 EX_TEMPFAIL, 76 EX_PROTOCOL, 78 EX_CONFIG; 0 is yes, 1 a clean no.
 */
#ifndef FCFS_FAULT_H
#define FCFS_FAULT_H

#include <stdbool.h>
#include <sysexits.h>

enum { STATUS_YES = 0, STATUS_NO = 1 };

struct fault {
	int status;
	bool no_event;	  /* the event asked about does not exist */
	bool unconfirmed; /* it was done, and too few replicas have it */
	char line[1024];  /* one line, lower case, no full stop, what and where and what to do */
};

/* Fills why and returns -1, so that a caller may `return fault_set(...)`. What a
 * terminal would take for more than text (controls, direction marks, bytes that are not UTF-8) is
 * written as \xHH; a longer text is cut. */
int fault_set(struct fault *why, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with ": strerror(errno)" behind it. */
int fault_errno(struct fault *why, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
