/*
 * retry.h - how often what is transient (remedy.h) is tried again, and how long to wait before the next try.
 */
#ifndef FCFS_RETRY_H
#define FCFS_RETRY_H

#include <stdint.h>

struct retry {
	int retries;	/* tries after the first */
	int64_t max_ms; /* the longest pause */
};

enum { RETRY_RETRIES = 5, RETRY_MAX_MS = 30000 };

/* The pause before try number `failures` + 1: exponential backoff with full jitter, evenly spread
 * over 0 .. min(max_ms, 100 ms * 2^(failures - 1)), so that many who failed together do not come back
 * together (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015). */
int64_t retry_delay_ms(const struct retry *, int failures);

#endif
