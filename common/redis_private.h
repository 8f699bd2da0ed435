/* redis_private.h - what redis.c, redis_reply.c and redis_library.c share. */
#ifndef FCFS_REDIS_PRIVATE_H
#define FCFS_REDIS_PRIVATE_H

#include "redis.h"

#include <hiredis.h>

/* What an error answer asks of us. */
enum remedy {
	REMEDY_NONE,  /* it is the answer */
	REMEDY_AGAIN, /* reconnect, send again */
	REMEDY_LOAD   /* load the library, send again */
};

enum remedy redis_sort_error(const char *text, const char *address, struct fault *why);

/* One command on a bare context, waiting. NULL with why filled: EX_UNAVAILABLE if the connection
 * failed, else as redis_sort_error says. */
redisReply *redis_bare(redisContext *, const char *address, struct fault *why, int argc,
		       const char **argv);

/* The guard and the loading, on a bare context. */
int redis_library_on(redisContext *, const char *address, enum library_state *,
		     struct fault *why);
int redis_library_version_on(redisContext *, const char *address, int64_t *version,
			     struct fault *why);

redisContext *redis_context(struct redis *);

#endif
