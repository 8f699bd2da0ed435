/*
 * publish_private.h - what publish*.c share; nobody else includes it.
 */
#ifndef FCFS_PUBLISH_PRIVATE_H
#define FCFS_PUBLISH_PRIVATE_H

#include "publish.h"

/* A transaction being filled. */
struct filling {
	struct progress upto; /* what will be out with it */
	int64_t winners;
	int64_t connections; /* of its first page; 0: it has none yet */
	bool more;	     /* there is another page */
};

int publish_put(struct publisher *, struct publication *, enum topic, const char *key,
		const struct buffer *record, struct fault *why);

/* -1, EX_TEMPFAIL with the verdict "stale", where it is another event's, or people are missing. */
int publish_put_page(struct publisher *, struct publication *, struct filling *, struct page *,
		     struct fault *why);

/* -1: another dispatcher has the lease. */
int publish_stale(struct publication *, struct fault *why);

#endif
