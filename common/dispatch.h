/*
 * dispatch.h - publishes: the loop behind fcfs-dispatch.
 *
 * A lane is one event:
 *
 *   waiting --lease: held--> publishing --grant: ended--> over
 *    |  ^  ^                    |  |  ^
 *    +--+  |                    |  |  +-- grant: more, idle, dry, paused, early
 *    busy  +-- grant: stale ----+  +-- grant: stale, a single pass --> failed (EX_TEMPFAIL)
 *
 * What a pass does, and what dying in it leads to: publish.h.
 */
#ifndef FCFS_DISPATCH_H
#define FCFS_DISPATCH_H

#include "bus.h"
#include "redis.h"

struct dispatch {
	struct redis *redis;
	struct bus *bus;
	const struct control *control;
	const char *prefix;
	const char *instance; /* the lease's owner */
	char **events;	      /* NULL-terminated */
	int64_t batch;	      /* winners a transaction; with `every` given, a pass; 0: the bus's */
	bool force;	      /* see publish.h */
	int64_t every_ms;     /* between passes; 0: one pass */
};

/* Returns STATUS_YES, STATUS_NO (nothing could be done in any event), or -1. An event that fails by
 * itself is warned of, the others go on, and its fault is the answer at the end. */
int dispatch_run(const struct dispatch *, struct fault *why);

#endif
