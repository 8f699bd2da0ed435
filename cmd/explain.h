/*
 * explain.h - shows how it came that a person stands where they stand (P10), never a code.
 */
#ifndef FCFS_EXPLAIN_H
#define FCFS_EXPLAIN_H

#include "step.h"
#include "table.h"

/* EX_DATAERR where it is no legal name. */
int explain_check_name(const char *person, struct fault *why);

/* Puts what Redis says into the table, in one look; *ticket is 0 where they are not in line. */
int explain_redis(struct redis *, const struct place *, const char *person, struct table *,
		  int64_t *ticket, struct fault *why);

#endif
