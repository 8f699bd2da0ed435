#include "redis_private.h"

#include "clock.h"
#include "retry.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BACKOFF_MOST_MS = 500, TICK_MS = 1000, LOADS_MOST = 3, WORDS_MAX = 16 };

struct unanswered {
	char *bytes; /* as formatted for the wire */
	size_t len;
	struct taker taker; /* of none: who sent it receives the answer */
};

struct redis {
	redisContext *context; /* NULL while the connection is down */
	struct endpoint endpoint;
	int64_t reconnect_ms;
	struct unanswered window[REDIS_WINDOW];
	size_t oldest, in_flight;
	int64_t waiting_since_ms; /* for the oldest answer */
	int64_t trouble_since_ms; /* 0: all is well */
	int tries;		  /* to connect anew, since the last answer */
	bool wants_library;
	int loads;
	void (*waiting)(void *self); /* NULL: nobody asked */
	void *waiting_self;
};

static int load_library(struct redis *r, struct fault *why)
{
	enum library_state state;

	if (!r->wants_library)
		return 0;
	if (redis_library_on(r->context, r->endpoint.address, &state, why) < 0)
		return -1;
	r->wants_library = false;
	return 0;
}

static void disconnect(struct redis *r)
{
	if (r->context)
		redisFree(r->context);
	r->context = NULL;
}

/* One attempt. On failure there is no context. */
static int connect_once(struct redis *r, struct fault *why)
{
	r->context = endpoint_connect(&r->endpoint, why);
	if (r->context && load_library(r, why) == 0)
		return 0;
	disconnect(r);
	return -1;
}

static int flush(struct redis *r)
{
	int done = 0;

	while (!done)
		if (redisBufferWrite(r->context, &done) != REDIS_OK)
			return -1;
	return 0;
}

static int send_again(struct redis *r)
{
	for (size_t i = 0; i < r->in_flight; i++) {
		struct unanswered *u = &r->window[(r->oldest + i) % REDIS_WINDOW];

		if (redisAppendFormattedCommand(r->context, u->bytes, u->len) != REDIS_OK)
			return -1;
	}
	r->waiting_since_ms = clock_ms();
	return flush(r);
}

static void wait_tick(const struct redis *r)
{
	if (r->waiting)
		r->waiting(r->waiting_self);
}

/* At once the first time. */
static void back_off(struct redis *r)
{
	const struct retry retry = {.max_ms = BACKOFF_MOST_MS};
	int64_t pause_ms = r->tries ? retry_delay_ms(&retry, r->tries) : 0;
	struct timespec pause = {pause_ms / 1000, pause_ms % 1000 * 1000000};

	if (pause_ms)
		nanosleep(&pause, NULL);
	wait_tick(r);
	r->tries++;
}

/* In why comes what went wrong, and where it does not heal goes what went wrong last. */
static int heal(struct redis *r, struct fault *why)
{
	int64_t now = clock_ms();
	bool loading = r->wants_library; /* a missing library is no lost connection: no limit yet */

	if (!r->trouble_since_ms)
		r->trouble_since_ms = now;
	for (;;) {
		disconnect(r);
		if (why->status != EX_UNAVAILABLE && !r->wants_library)
			return -1;
		if (!loading && clock_ms() - r->trouble_since_ms >= r->reconnect_ms)
			return -1;
		loading = false;
		back_off(r);
		if (connect_once(r, why) < 0) {
			if (why->status != EX_UNAVAILABLE)
				return -1;
		} else if (send_again(r) == 0) {
			return 0;
		} else {
			redis_lost(r->context, r->endpoint.address, why);
		}
	}
}

static int lost(struct redis *r, struct fault *why)
{
	redis_lost(r->context, r->endpoint.address, why);
	return heal(r, why);
}

int redis_open(const struct redis_options *options, struct redis **handle, struct fault *why)
{
	struct redis *r = calloc(1, sizeof *r);

	*handle = NULL;
	if (!r)
		return fault_errno(why, EX_OSERR, "redis");
	r->reconnect_ms = options->reconnect_ms;
	if (endpoint_init(&r->endpoint, options, why) == 0 && connect_once(r, why) == 0)
		return *handle = r, 0;
	redis_close(r);
	return -1;
}

void redis_close(struct redis *r)
{
	if (!r)
		return;
	disconnect(r);
	for (size_t i = 0; i < REDIS_WINDOW; i++)
		redisFreeCommand(r->window[i].bytes);
	free(r);
}

void redis_on_wait(struct redis *r, void (*waiting)(void *self), void *self)
{
	r->waiting = waiting;
	r->waiting_self = self;
}

static int send_for(struct redis *r, size_t argc, const char **argv, const size_t *len,
		    struct taker taker, struct fault *why)
{
	struct unanswered *u = &r->window[(r->oldest + r->in_flight) % REDIS_WINDOW];
	long long size; /* int in hiredis 0.14 */

	assert(r->in_flight < REDIS_WINDOW);
	size = redisFormatCommandArgv(&u->bytes, (int)argc, argv, len);
	if (size < 0) {
		u->bytes = NULL;
		return fault_set(why, EX_OSERR, "redis: out of memory");
	}
	u->len = (size_t)size;
	u->taker = taker;
	if (r->in_flight++ == 0)
		r->waiting_since_ms = clock_ms();
	if (!r->context) {
		fault_set(why, EX_UNAVAILABLE, "redis '%s': not connected", r->endpoint.address);
		return heal(r, why);
	}
	if (redisAppendFormattedCommand(r->context, u->bytes, u->len) == REDIS_OK && flush(r) == 0)
		return 0;
	return lost(r, why);
}

int redis_send(struct redis *r, size_t argc, const char **argv, const size_t *len,
	       struct fault *why)
{
	return send_for(r, argc, argv, len, (struct taker){0}, why);
}

int redis_post(struct redis *r, size_t argc, const char **argv, const size_t *len,
	       struct taker taker, struct fault *why)
{
	return redis_settle(r, REDIS_WINDOW - 1, why) < 0
		       ? -1
		       : send_for(r, argc, argv, len, taker, why);
}

static void answered(struct redis *r)
{
	struct unanswered *u = &r->window[r->oldest];

	redisFreeCommand(u->bytes);
	u->bytes = NULL;
	r->oldest = (r->oldest + 1) % REDIS_WINDOW;
	r->in_flight--;
	r->waiting_since_ms = clock_ms();
	r->trouble_since_ms = 0;
	r->tries = 0;
	r->loads = 0;
}

/* Sorts an error answer: healed (0: not answered yet), or -1 as the answer. */
static int error_answer(struct redis *r, redisReply *root, struct fault *why)
{
	enum remedy remedy = redis_sort_error(root->str, r->endpoint.address, why);

	freeReplyObject(root);
	if (remedy == REMEDY_LOAD && ++r->loads > LOADS_MOST) {
		fault_set(why, EX_SOFTWARE,
			  "redis '%s': a function is missing from a library of our own version: "
			  "drop it with redis-cli FUNCTION DELETE fcfs, and run again",
			  r->endpoint.address);
		remedy = REMEDY_NONE;
	}
	if (remedy == REMEDY_NONE) {
		answered(r);
		return -1;
	}
	if (remedy == REMEDY_LOAD) {
		r->wants_library = true;
		r->tries = 0;
	}
	return heal(r, why);
}

/* Reads what has arrived, or notices that the oldest answer is overdue. */
static int read_some(struct redis *r, struct fault *why)
{
	struct pollfd fd = {.fd = r->context->fd, .events = POLLIN};

	if (poll(&fd, 1, 0) > 0)
		return redisBufferRead(r->context) == REDIS_OK ? 0 : lost(r, why);
	if (clock_ms() - r->waiting_since_ms < r->endpoint.command_timeout_ms)
		return 0;
	fault_set(why, EX_UNAVAILABLE, "redis '%s': no answer within %lld ms", r->endpoint.address,
		  (long long)r->endpoint.command_timeout_ms);
	return heal(r, why);
}

int redis_try_receive(struct redis *r, struct reply *reply, struct fault *why)
{
	void *found = NULL;
	redisReply *root;

	assert(r->in_flight > 0);
	if (!r->context)
		return fault_set(why, EX_UNAVAILABLE, "redis '%s': not connected",
				 r->endpoint.address);
	for (int pass = 0; pass < 2 && !found; pass++) {
		if (pass == 1 && read_some(r, why) < 0)
			return -1;
		if (redisGetReplyFromReader(r->context, &found) != REDIS_OK)
			return lost(r, why);
	}
	root = found;
	if (!root)
		return 0;
	if (root->type == REDIS_REPLY_ERROR)
		return error_answer(r, root, why);
	answered(r);
	*reply = (struct reply){.root = root,
				.count = root->type == REDIS_REPLY_ARRAY ? root->elements : 1};
	return 1;
}

int redis_receive(struct redis *r, struct reply *reply, struct fault *why)
{
	for (;;) {
		int got = redis_try_receive(r, reply, why), wait_ms;
		struct pollfd fd;

		if (got != 0)
			return got < 0 ? -1 : 0;
		fd = (struct pollfd){.fd = redis_fd(r), .events = POLLIN};
		wait_ms = redis_wait_ms(r);
		if (poll(&fd, 1, wait_ms < TICK_MS ? wait_ms : TICK_MS) == 0)
			wait_tick(r);
	}
}

/* An error answer has been received, too: one fewer is in flight. */
static int settle_one(struct redis *r, struct fault *why)
{
	const struct taker taker = r->window[r->oldest].taker;
	const size_t before = r->in_flight;
	struct reply reply = {0};
	int result = redis_receive(r, &reply, why);

	assert(taker.take);
	if (result < 0 && r->in_flight == before)
		return -1;
	result = taker.take(taker.self, result < 0 ? NULL : &reply, why);
	reply_release(&reply);
	return result;
}

int redis_settle(struct redis *r, size_t leave, struct fault *why)
{
	while (r->in_flight > leave)
		if (settle_one(r, why) < 0)
			return -1;
	return 0;
}

size_t redis_in_flight(const struct redis *r)
{
	return r->in_flight;
}

int redis_fd(const struct redis *r)
{
	return r->context ? r->context->fd : -1;
}

int redis_wait_ms(const struct redis *r)
{
	int64_t left = r->waiting_since_ms + r->endpoint.command_timeout_ms - clock_ms();

	if (r->in_flight == 0)
		return -1;
	return left < 0 ? 0 : left < INT_MAX ? (int)left + 1 : INT_MAX;
}

int redis_call(struct redis *r, size_t argc, const char **argv, const size_t *len,
	       struct reply *reply, struct fault *why)
{
	if (redis_settle(r, 0, why) < 0 || redis_send(r, argc, argv, len, why) < 0)
		return -1;
	return redis_receive(r, reply, why);
}

int redis_words(struct redis *r, struct reply *reply, struct fault *why, ...)
{
	const char *argv[WORDS_MAX + 1];
	size_t argc = 0;
	va_list words;

	va_start(words, why);
	while ((argv[argc] = va_arg(words, const char *)) != NULL) {
		assert(argc < WORDS_MAX);
		argc++;
	}
	va_end(words);
	return redis_call(r, argc, argv, NULL, reply, why);
}

const char *redis_address(const struct redis *r)
{
	return r->endpoint.address;
}

int redis_library_version(struct redis *r, int64_t *version, struct fault *why)
{
	return redis_library_version_on(r->context, r->endpoint.address, version, why);
}

int redis_library(struct redis *r, enum library_state *state, struct fault *why)
{
	return redis_library_on(r->context, r->endpoint.address, state, why);
}
