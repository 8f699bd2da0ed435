/*
 * giveback.h - the slots of parked tickets go back: each is revoked in the step of leaving, its code
 * burnt, its slot the next in line's. One that is sent again meanwhile is no longer parked when the
 * step looks, and stays. Killed and run again it goes on where it was: who is parked still.
 */
#ifndef FCFS_GIVEBACK_H
#define FCFS_GIVEBACK_H

#include "control.h"
#include "step.h"

/* Those that this run has parked (its UUID; "": any run). How many were given back, or -1. Asked to
 * stop, it ends with what it has begun. */
int64_t giveback_parked(struct redis *, const struct place *, const char *run, const char *who,
			const struct control *, struct fault *why);

#endif
