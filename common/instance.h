/*
 * instance.h - who this process is among its kind, the same after a crash: HOST-UID-K, K the lowest
 * slot whose lock file TOOL.K in the state folder is free. The lock (flock(2)) goes with the
 * process, so whoever gets a name knows that its former bearer is dead.
 */
#ifndef FCFS_INSTANCE_H
#define FCFS_INSTANCE_H

#include "fault.h"

enum { INSTANCE_MAX = 96 };

struct instance {
	char name[INSTANCE_MAX];
	int lock; /* held until release, or death */
};

/* Whether a name may be given: 0, or -1: EX_USAGE. */
int instance_check(const char *given, struct fault *why);

/* Makes the state folder (0700) if need be. `given`, which instance_check let pass, overrides HOST-UID-K where it
 * is not NULL; it is locked the same way (EX_TEMPFAIL if it runs already). */
int instance_take(struct instance *, const char *state_folder, const char *tool, const char *given,
		  struct fault *why);
void instance_release(struct instance *);

#endif
