/*
 * pool.h - an event's supplied codes: a line each goes in, and what no ticket has comes out again.
 *
 * A code is 1 to CODE_MAX bytes, legal as a person's name is (name.h). It is loaded once in an event's
 * life, whatever becomes of it: killed, and run again over the same lines, a load loads the rest.
 */
#ifndef FCFS_POOL_H
#define FCFS_POOL_H

#include "control.h"
#include "step.h"

struct pool {
	struct redis *redis;
	const struct place *place;
	const char *id; /* the event's: another one is EX_CONFIG, as no event is */
	const struct control *control;
};

struct pool_load {
	int64_t loaded;
	int64_t duplicates; /* on an earlier line, or loaded before */
	int64_t invalid;
};

/* Loads a code a line from the descriptor, in order, until it ends or control says to stop. Complains
 * of the lines that were refused, by number and never by what is on them. 0, or -1. */
int pool_load(const struct pool *, int fd, struct pool_load *, struct fault *why);

/* Records in the event's log what was loaded since this was last done. */
int pool_log(const struct pool *, const char *who, struct fault *why);

/* Calls visit for each code in the pool, in order, until it returns -1 or control says to stop. While
 * tickets are given codes, one that was visited may be gone; none is visited twice or passed over. */
int pool_each(const struct pool *, int (*visit)(void *self, const char *code, struct fault *),
	      void *self, struct fault *why);

#endif
