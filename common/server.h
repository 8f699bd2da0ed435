/*
 * server.h - what a Redis server must be, and what it is.
 */
#ifndef FCFS_SERVER_H
#define FCFS_SERVER_H

#include "redis.h"

struct server {
	bool known;	 /* false: it would not say (CONFIG is not granted) */
	char policy[32]; /* maxmemory-policy */
	bool append_only;
	char fsync[16];		/* appendfsync */
	bool rewrites_unsynced; /* no-appendfsync-on-rewrite */
	int64_t replicas_to_write;
};

int server_read(struct redis *, struct server *, struct fault *why);

struct replicas {
	bool known;	   /* false: it would not say (INFO is not granted) */
	char primary[280]; /* HOST:PORT; "": it is one itself */
	int64_t online;
	int64_t behind_bytes,
		behind_s; /* the one that has least, and the one not heard of for longest */
};

int server_replicas(struct redis *, struct replicas *, struct fault *why);

/* EX_CONFIG unless nothing is ever evicted; `force` lets it pass. */
int server_require(const struct server *, bool force, struct fault *why);

/* When an answer is on its disk: always, everysec, no, off (there is no file), unknown. */
const char *server_durability(const struct server *);

/* Which acknowledged joins a crash of the server may lose: NULL for none (P6). */
const char *server_window(const struct server *);

int server_now_us(struct redis *, int64_t *now_us, struct fault *why);

#endif
