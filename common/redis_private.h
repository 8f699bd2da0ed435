/* redis_private.h - what the redis*.c share. */
#ifndef FCFS_REDIS_PRIVATE_H
#define FCFS_REDIS_PRIVATE_H

#include "redis.h"
#include "remedy.h"

#include <hiredis.h>
#include <limits.h>

/* Where a server is, and how to get in. */
struct endpoint {
	char host[256]; /* or the socket's path */
	char user[128];
	char address[280]; /* for messages */
	int port;	   /* 0: a unix socket */
	int database;
	char password_file[PATH_MAX];
	int64_t connect_timeout_ms, command_timeout_ms;
};

/* EX_USAGE for a URL that is none. */
int endpoint_init(struct endpoint *, const struct redis_options *, struct fault *why);

/* Connects, authenticates, selects the database. NULL with why filled. */
redisContext *endpoint_connect(const struct endpoint *, struct fault *why);

/* What an error answer asks of us. */
enum remedy redis_sort_error(const char *text, const char *address, struct fault *why);

/* Why a context failed. EX_UNAVAILABLE, worth another try; EX_PROTOCOL where the other end speaks
 * something else. Returns -1. */
int redis_lost(const redisContext *, const char *address, struct fault *why);

/* One command on a bare context, waiting. NULL with why filled: as redis_lost if the connection
 * failed, else as redis_sort_error says. */
redisReply *redis_bare(redisContext *, const char *address, struct fault *why, int argc,
		       const char **argv);

/* The guard and the loading, on a bare context. */
int redis_library_on(redisContext *, const char *address, enum library_state *, struct fault *why);
int redis_library_version_on(redisContext *, const char *address, int64_t *version,
			     struct fault *why);

#endif
