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
	char fsync[16]; /* appendfsync */
};

int server_read(struct redis *, struct server *, struct fault *why);

/* EX_CONFIG unless nothing is ever evicted; `force` lets it pass. */
int server_require(const struct server *, bool force, struct fault *why);

/* Which acknowledged joins a crash of the server may lose: NULL for none (P6). */
const char *server_window(const struct server *);

int server_now_us(struct redis *, int64_t *now_us, struct fault *why);

#endif
