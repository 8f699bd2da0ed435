/*
 * archive_rebuild.h - fcfs-archive rebuild, as people ask for it and are told of it.
 */
#ifndef FCFS_ARCHIVE_REBUILD_H
#define FCFS_ARCHIVE_REBUILD_H

#include "step.h"

struct rebuild_request {
	const char *ledger, *id; /* NULL: not given */
	bool replace, trial;
};

/* Was any of it given? */
bool archive_rebuild_asked(const struct rebuild_request *);

/* An exit status, or -1. */
int archive_rebuild(const struct rebuild_request *, struct redis *, const struct place *,
		    struct fault *why);

#endif
