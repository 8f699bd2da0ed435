/*
 * errand.h - a second thread, for what blocks while its owner goes on: one call at a time.
 *
 *   idle --begin--> under way --the call returns--> over --settle--> idle
 *
 * What a call touches is the thread's from errand_begin until errand_busy has said no, or errand_wait yes; only then has
 * the owner seen what it did, and has settled with it. The thread is given no signals, and stays for the next call.
 */
#ifndef FCFS_ERRAND_H
#define FCFS_ERRAND_H

#include "fault.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct errand {
	pthread_t thread;
	pthread_mutex_t lock; /* of what is below */
	pthread_cond_t changed;
	void (*call)(void *self); /* NULL: none is under way */
	void *self;
	bool ends;
	/* the owner's, zero at first */
	bool started; /* the thread was */
	bool begun;   /* and not settled */
};

/* One that was begun is settled before. EX_OSERR where there is no thread to be had: then nothing was begun. */
int errand_begin(struct errand *, void (*call)(void *self), void *self, struct fault *why);

/* Is it under way? One that was begun and is not, is over. */
bool errand_busy(struct errand *);

/* Whether it was over within that time, which is any time for -1. */
bool errand_wait(struct errand *, int64_t ms);

/* Waits for the call, if there is one: what it did is known, or nobody asks for it. */
void errand_settle(struct errand *);

/* Waits for the call, and ends the thread. */
void errand_end(struct errand *);

#endif
