/*
 * takeover.h - what a partition's former issuer had committed, but not marked, when it died (P4, P8).
 *
 * Of the assigned ones below the committed offset, those with a dead letter were given up: parked,
 * for the run that did. All others are out: done. Those whose records were cut before they were committed
 * are not out, and would be taken for it once more is committed: they are lifted. So are those where
 * another record stands now, as the topic was made anew.
 */
#ifndef FCFS_TAKEOVER_H
#define FCFS_TAKEOVER_H

#include "bus.h"
#include "redis.h"

struct takeover {
	struct redis *redis;
	const char *prefix;
	struct source *source;
	int64_t done, parked, lifted; /* how many were marked so */
};

/* All events' records below these, or cut. */
int takeover(struct takeover *, const struct span *, size_t count, struct fault *why);

#endif
