/*
 * job.h - an event that one run issues alone (--exclusive): the lock fcfs:{E}:job. It lasts JOB_MS
 * beyond the last time it was held, so a run that was killed frees it. Nothing rests on it: who
 * issues without it does no harm.
 */
#ifndef FCFS_JOB_H
#define FCFS_JOB_H

#include "run.h"
#include "step.h"

#define JOB_MS "10000"
enum { JOB_HOLD_MS = 1000 };

/* Takes it, or holds it longer. EX_TEMPFAIL where another run has it: its host is named. */
int job_hold(struct redis *, const struct place *, const struct run *, struct fault *why);

/* Frees it, if it is ours. */
int job_free(struct redis *, const struct place *, const struct run *, struct fault *why);

#endif
