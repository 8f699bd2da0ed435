/*
 * step.h - one call of an atomic step: FCALL fcfs_NAME_PROTOCOL 2 EVENTKEY LINEKEY ARG...
 */
#ifndef FCFS_STEP_H
#define FCFS_STEP_H

#include "buffer.h"
#include "name.h"
#include "redis.h"

/* Where an event lives: PREFIX fcfs:{NAME}:... */
struct place {
	char name[EVENT_MAX + 1];
	char event_key[2 * EVENT_MAX + 32];
	char line_key[2 * EVENT_MAX + 32];
};

/* Prefix "" or a legal one. EX_USAGE for an illegal event name. */
int place_init(struct place *, const char *prefix, const char *event, struct fault *why);

/* A call being put together. The arguments are borrowed until it is sent; numbers are kept here. */
struct step {
	char function[32];
	size_t argc, room;
	const char **argv;
	size_t *len;
	char (*digits)[2 * INT_DIGITS];
};

/* Room for `args` arguments beyond the keys. -1 with EX_OSERR. */
int step_init(struct step *, size_t args, struct fault *why);
void step_release(struct step *);

void step_begin(struct step *, const struct place *, const char *name, bool reads_only);
void step_bytes(struct step *, const char *bytes, size_t len);
void step_text(struct step *, const char *text);
void step_int(struct step *, int64_t value);
void step_pair(struct step *, int64_t, int64_t); /* one argument, a space in between */

int step_send(struct step *, struct redis *, struct fault *why);
int step_post(struct step *, struct redis *, struct taker, struct fault *why);

/* Sends it, waits for its answer, as redis_call. A fault names the event that is none. */
int step_call(struct step *, const struct place *, struct redis *, struct reply *,
	      struct fault *why);

/* The same for a step whose answer is a number, 0 or more: that, or -1. */
int64_t step_number(struct step *, const struct place *, struct redis *, struct fault *why);

/* step_call in one go, for a step whose few arguments are texts: up to NULL, STEP_ONCE at most. */
enum { STEP_ONCE = 8 };
int step_once(struct redis *, const struct place *, const char *name, bool reads_only,
	      struct reply *, struct fault *why, ...) __attribute__((sentinel));

/* Where replicas are waited for: returns 1 once enough of them have all that was read or written since
 * redis_connections was `connections`; 0: by now there is another, perhaps to a replica that took over
 * and lacks some of it: read again. With nothing else in flight. -1 as step_call. */
int step_confirm(const struct place *, struct redis *, int64_t connections, struct fault *why);

/* Puts the event's name into a fault that there is no such event. */
void step_name_event(struct fault *why, const struct place *);

#endif
