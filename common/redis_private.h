/* redis_private.h - what the redis*.c share. */
#ifndef FCFS_REDIS_PRIVATE_H
#define FCFS_REDIS_PRIVATE_H

#include "buffer.h"
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

struct unanswered {
	struct buffer command; /* as on the wire; its memory serves the next one, too */
	struct taker taker;    /* of none: who sent it receives the answer */
	bool waits;	       /* WAIT is behind it, with an answer of its own */
};

struct redis {
	redisContext *context; /* NULL while the connection is down */
	struct endpoint endpoint;
	int64_t connections; /* made, in all */
	int64_t reconnect_ms;
	int64_t replicas; /* 0: none are waited for */
	bool wait_once;
	struct buffer wait; /* the command, formatted once */
	struct unanswered window[REDIS_WINDOW];
	size_t oldest, in_flight;
	redisReply *held;	  /* the oldest's answer, while that of its WAIT is awaited */
	int64_t patience_ms;	  /* for an answer */
	int64_t waiting_since_ms; /* for the oldest answer */
	int64_t trouble_since_ms; /* 0: all is well */
	int tries;		  /* to connect anew, since the last answer */
	bool wants_library;
	int loads;
	void (*waiting)(void *self); /* NULL: nobody asked */
	void *waiting_self;
};

/* Connects, once, with the library where it is wanted. On failure there is no context. */
int redis_connect_once(struct redis *, struct fault *why);
void redis_disconnect(struct redis *);

/* On the wire, all of it. -1: the connection is lost. */
int redis_put(struct redis *, const struct unanswered *);

/* Connects anew and sends again what is unanswered. In why comes what went wrong; -1, and what went wrong
 * last, where it does not heal. */
int redis_heal(struct redis *, struct fault *why);

/* The same, of a connection that failed. */
int redis_lose(struct redis *, struct fault *why);

/* Tells who wants to know that the server is waited for. */
void redis_wait_tick(const struct redis *);

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
