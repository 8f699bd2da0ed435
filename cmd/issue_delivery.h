/*
 * issue_delivery.h - fcfs-issue's options about delivering codes, trying again, and giving up.
 */
#ifndef FCFS_ISSUE_DELIVERY_H
#define FCFS_ISSUE_DELIVERY_H

#include "issue.h"

/* The letters of its options, below those of --redrive. */
enum {
	DELIVER = 1050,
	DELIVER_TIMEOUT,
	DELIVER_RETRIES,
	DELIVER_RETRY_MAX,
	DELIVER_DEAD_LETTERS,
	DELIVER_SKIP_LIMIT,
	DELIVER_END
};

struct delivery_request {
	struct deliver_options options;
	const char *dead_letters; /* the file; NULL: none */
	int64_t skip_limit;
};

extern const struct delivery_request DELIVERY_DEFAULTS;

/* One of its options: 0, or -1 with EX_USAGE. */
int delivery_take(struct delivery_request *, int letter, const char *value, struct fault *why);

/* Opens what was asked for, into an issue whose bus is open. */
int delivery_open(const struct delivery_request *, struct issue *, struct fault *why);

#endif
