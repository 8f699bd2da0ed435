/*
 * runlog.h - keeps run records in Redis (fcfs:{E}:runs, fcfs:runs) and reads them.
 */
#ifndef FCFS_RUNLOG_H
#define FCFS_RUNLOG_H

#include "run.h"
#include "step.h"

/* A run that lasts keeps its record anew so often. The server takes one that is running and was not
 * kept anew for a minute for abandoned when the next run begins. */
enum { RUN_KEEP_MS = 5000 };

/* With the event it is about, unless that was purged meanwhile, in place of the same run's former
 * record. */
int runlog_keep(struct redis *, const struct place *, const struct run *, struct fault *why);

/* For records that name no event. */
int runlog_keep_nameless(struct redis *, const char *prefix, const struct run *, struct fault *why);

/* The records of an event, oldest first, each one JSON object. The caller releases the reply. */
int runlog_read(struct redis *, const struct place *, struct reply *, struct fault *why);

int runlog_read_nameless(struct redis *, const char *prefix, struct reply *, struct fault *why);

#endif
