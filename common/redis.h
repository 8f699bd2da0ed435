/*
 * redis.h - a connection to Redis or Valkey that heals.
 *
 * Commands are sent at once and answered in order; up to REDIS_WINDOW may be in flight. Every
 * command fcfs sends may be repeated: when the connection is lost, a command times out, or the
 * server says LOADING, READONLY or the like, all that has no answer is sent again, in order, on a
 * new connection, for as long as reconnect_ms; a time-out means "unknown", never "no". A server
 * without our functions is given them (library below), and what it refused is sent again.
 *
 * With `replicas`, a step that writes (FCALL; what only reads is FCALL_RO) is followed by WAIT on the
 * same connection, and its answer counts once so many replicas have all that it rests on: a step
 * on an event that is there always writes, so that WAIT speaks of it. Too few have it: it is sent again,
 * in the same way and for as long; EX_TEMPFAIL, `unconfirmed`, when that did not help. Nothing is taken
 * back: it may be kept.
 *
 * This header and redis*.c are the only ones to know hiredis.
 */
#ifndef FCFS_REDIS_H
#define FCFS_REDIS_H

#include "fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REDIS_WINDOW = 8 };

struct redis_options {
	const char *url;	   /* redis://[user@]host[:port][/db] or unix:/path */
	const char *password_file; /* NULL or "": none; read at each connect */
	int64_t connect_timeout_ms;
	int64_t command_timeout_ms;
	int64_t reconnect_ms; /* how long a lost connection is retried */
	int64_t replicas;     /* that must have what is written; 0: none */
	int64_t replicas_ms;  /* how long they are waited for */
};

struct redis;

/* An answer: one value or a flat array, read from the front. Once a value is missing or of
 * another type, the reply is unsound, and so is all that is read after it (0 or ""). */
struct reply {
	void *root;
	size_t count;
	size_t next;
	bool unsound;
	const char *strange; /* a word that stood where it says nothing; NULL: none */
};

/* Whether it is the URL of a server: redis://[user@]host[:port][/db], or unix:/path. */
bool redis_is_url(const char *url);

/* Connects once. EX_UNAVAILABLE with the address where nobody answers, EX_USAGE for a URL that is
 * none, EX_CONFIG where the server refuses us. The options' strings are copied. */
int redis_open(const struct redis_options *, struct redis **, struct fault *why);
void redis_close(struct redis *); /* NULL is fine */

/* Called about once a second, from redis_receive and from healing, while an answer or the server is
 * waited for. It must not use the handle. NULL: nothing is. */
void redis_on_wait(struct redis *, void (*waiting)(void *self), void *self);

/* From now on too few replicas are the answer at once (EX_TEMPFAIL, `unconfirmed`; the connection goes
 * on): for who would rather ask again than wait. */
void redis_wait_once(struct redis *);

/* Are replicas waited for? */
bool redis_waits(const struct redis *);

/* How many connections there have been. Read behind an answer: while it is that number, all goes to who gave
 * this answer. */
int64_t redis_connections(const struct redis *);

/* Sends a command. The arguments are copied. At most REDIS_WINDOW may be unanswered. */
int redis_send(struct redis *, size_t argc, const char **argv, const size_t *len,
	       struct fault *why);

/* The answer to the oldest unanswered command: waits for it. Returns 0, or -1: an error answer
 * (the connection goes on: EX_CONFIG, EX_TEMPFAIL or EX_PROTOCOL, the server's words) or a server
 * lost for good (EX_UNAVAILABLE; EX_PROTOCOL where it is no Redis; EX_TEMPFAIL, `unconfirmed`, where too few
 * replicas have it for too long): then the command is still in flight. The caller releases the reply. */
int redis_receive(struct redis *, struct reply *, struct fault *why);

/* The same without waiting, of what was read: 1 an answer, 0 none yet, -1 as above. */
int redis_try_receive(struct redis *, struct reply *, struct fault *why);

/* After poll(2), while something is in flight: reads where redis_fd() is readable, else looks after the
 * time-out. 0, or -1: a server lost for good. */
int redis_read(struct redis *, bool readable, struct fault *why);
size_t redis_in_flight(const struct redis *);
int redis_fd(const struct redis *);
int redis_wait_ms(const struct redis *); /* for poll(2); -1 while nothing is in flight */

/* Who is told the answer to a command that its sender does not wait for. */
struct taker {
	/* The answer, which is released behind it, or NULL and why: an error answer. It must not use the
	 * handle. 0, or -1 and why: that ends what received it. */
	int (*take)(void *self, struct reply *, struct fault *why);
	void *self;
};

/* redis_send for a taker: waits while the window is full. */
int redis_post(struct redis *, size_t argc, const char **argv, const size_t *len, struct taker,
	       struct fault *why);

/* Receives answers, each for its taker, until at most `leave` are in flight. -1: a server lost for
 * good, or what a taker says. */
int redis_settle(struct redis *, size_t leave, struct fault *why);

/* redis_send and redis_receive. What was posted before is settled first; nothing else may be in
 * flight. */
int redis_call(struct redis *, size_t argc, const char **argv, const size_t *len, struct reply *,
	       struct fault *why);

/* The same for words: redis_words(r, &reply, why, "SADD", key, member, NULL). */
int redis_words(struct redis *, struct reply *, struct fault *why, ...) __attribute__((sentinel));

int64_t reply_int(struct reply *);		     /* an integer, or a text of digits */
const char *reply_text(struct reply *, size_t *len); /* NUL behind it; lives as long as the reply */

/* A text, into a field of this size; one that is longer makes the reply unsound, and the field is "". */
void reply_copy(struct reply *, char *to, size_t size);

/* Which of these words it is, as many as there are; NULL stands for none. Any other makes the reply unsound. */
size_t reply_word(struct reply *, const char *const *words, size_t count);

bool reply_is_int(const struct reply *); /* is the next value an integer? */
bool reply_more(const struct reply *);

/* 0 if every value read was there and of its type; else -1 with EX_PROTOCOL naming `what`, and a strange word. */
int reply_check(const struct reply *, const char *what, struct fault *why);

/* The same for a reply that is read to its end: one with more in it makes no sense either. */
int reply_end(struct reply *, const char *what, struct fault *why);
void reply_release(struct reply *);

/* The function library on the server. */
enum library_state { LIBRARY_CURRENT, LIBRARY_LOADED, LIBRARY_REPLACED };

/* Loads it where it is missing or older. A newer one stays: EX_CONFIG. */
int redis_library(struct redis *, enum library_state *, struct fault *why);

/* The library's version on this server, 0 where there is none. */
int redis_library_version(struct redis *, int64_t *version, struct fault *why);

extern const char library_source[]; /* built from common/lua */
extern const int64_t library_version;

/* "127.0.0.1:6379" or "/run/redis.sock": for messages. */
const char *redis_address(const struct redis *);

#endif
