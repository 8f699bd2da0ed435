/*
 * takeover.h - what a partition's former issuer had committed, but not marked, when it died (P4, P8).
 *
 * Of the assigned ones below the committed offset, those with a dead letter were given up: parked,
 * for the run that did. All others are out: done.
 */
#ifndef FCFS_TAKEOVER_H
#define FCFS_TAKEOVER_H

#include "bus.h"
#include "redis.h"

struct takeover {
	struct redis *redis;
	const char *prefix;
	struct source *source;
	int64_t done, parked; /* how many were marked so */
};

/* All events' records below these. */
int takeover(struct takeover *, const struct span *, size_t count, struct fault *why);

#endif
