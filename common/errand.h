/*
 * errand.h - one call in a thread of its own, for what blocks while its owner goes on.
 *
 * What the call touches is its own from errand_begin until errand_busy has said no, or errand_wait yes; only then has
 * the owner seen what it did. Its thread is given no signals.
 */
#ifndef FCFS_ERRAND_H
#define FCFS_ERRAND_H

#include "fault.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct errand {
	pthread_t thread;
	bool away; /* zero: nothing is under way */
};

/* Nothing may be under way. EX_OSERR where there is no thread to be had: then nothing was called. */
int errand_begin(struct errand *, void (*call)(void *self), void *self, struct fault *why);

bool errand_busy(struct errand *);

/* Whether it was over within that time, which is any time for -1. */
bool errand_wait(struct errand *, int64_t ms);

#endif
