/*
 * dispatch.h - publishes winners: the loop behind fcfs-dispatch.
 *
 * A lane is one event:
 *
 *   waiting --lease: held--> publishing --grant: ended--> over
 *      ^  lease: busy           |  ^
 *      +--(tried again)         |  +-- grant: more, idle, paused, early
 *                               +-- grant: stale --> failed (EX_TEMPFAIL)
 *
 * One grant step answers both "what is granted and not issued" and "who is next" beyond the last
 * ticket written, so dying between any two steps needs no repair:
 *   - before the answer: the next run asks from the settled mark and has the same winners again;
 *   - between the answer and the write: they are granted and not issued, and come again;
 *   - after the write: the issuer knows a ticket it has seen (P5), and drops the second.
 * A holder that slept through another's taking is told `stale` inside the step (P9).
 */
#ifndef FCFS_DISPATCH_H
#define FCFS_DISPATCH_H

#include "bus.h"
#include "redis.h"

enum { DISPATCH_BATCH = 1000 };

struct dispatch {
	struct redis *redis;
	struct sink *sink;
	const struct control *control;
	const char *prefix;
	const char *instance; /* the lease's owner */
	char **events;	      /* NULL-terminated */
	int64_t batch;	      /* winners a step; with `every` given, a pass, too */
	bool batch_given;
	int64_t every_ms; /* between passes; 0: one pass */
};

/* Returns STATUS_YES, STATUS_NO (nothing could be done in any event), or -1. An event that fails by
 * itself is warned of, the others go on, and its fault is the answer at the end. */
int dispatch_run(const struct dispatch *, struct fault *why);

#endif
