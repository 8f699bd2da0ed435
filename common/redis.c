#include "redis_private.h"

#include "clock.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TICK_MS = 1000, LOADS_MOST = 3, WORDS_MAX = 16 };

/* A length as the protocol (RESP2) has it: of all the arguments '*', of one '$'. */
static void add_length(struct buffer *command, const char *sign, size_t len)
{
	buffer_add(command, sign, 1);
	buffer_int(command, (int64_t)len);
	buffer_add(command, "\r\n", 2);
}

/* By hand: hiredis measures each argument, prints its length and allocates anew for each command. */
static int format(struct buffer *command, size_t argc, const char **argv, const size_t *len,
		  struct fault *why)
{
	buffer_clear(command);
	add_length(command, "*", argc);
	for (size_t i = 0; i < argc; i++) {
		size_t size = len ? len[i] : strlen(argv[i]);

		add_length(command, "$", size);
		buffer_add(command, argv[i], size);
		buffer_add(command, "\r\n", 2);
	}
	if (!command->failed)
		return 0;
	buffer_release(command);
	return fault_set(why, EX_OSERR, "redis: out of memory");
}

static int prepare_wait(struct redis *r, const struct redis_options *options, struct fault *why)
{
	char replicas[21], ms[21];
	const char *argv[] = {"WAIT", replicas, ms};

	r->patience_ms = options->command_timeout_ms;
	r->replicas = options->replicas;
	if (!r->replicas)
		return 0;
	r->patience_ms += options->replicas_ms;
	snprintf(replicas, sizeof replicas, "%" PRId64, options->replicas);
	snprintf(ms, sizeof ms, "%" PRId64, options->replicas_ms);
	return format(&r->wait, 3, argv, NULL, why);
}

int redis_open(const struct redis_options *options, struct redis **handle, struct fault *why)
{
	struct redis *r = calloc(1, sizeof *r);

	*handle = NULL;
	if (!r)
		return fault_errno(why, EX_OSERR, "redis");
	r->reconnect_ms = options->reconnect_ms;
	if (endpoint_init(&r->endpoint, options, why) == 0 && prepare_wait(r, options, why) == 0 &&
	    redis_connect_once(r, why) == 0)
		return *handle = r, 0;
	redis_close(r);
	return -1;
}

void redis_close(struct redis *r)
{
	if (!r)
		return;
	redis_disconnect(r);
	for (size_t i = 0; i < REDIS_WINDOW; i++)
		buffer_release(&r->window[i].command);
	buffer_release(&r->wait);
	free(r);
}

void redis_on_wait(struct redis *r, void (*waiting)(void *self), void *self)
{
	r->waiting = waiting;
	r->waiting_self = self;
}

void redis_wait_once(struct redis *r)
{
	r->wait_once = true;
}

bool redis_waits(const struct redis *r)
{
	return r->replicas > 0;
}

int64_t redis_connections(const struct redis *r)
{
	return r->connections;
}

static int send_for(struct redis *r, size_t argc, const char **argv, const size_t *len,
		    struct taker taker, struct fault *why)
{
	struct unanswered *u = &r->window[(r->oldest + r->in_flight) % REDIS_WINDOW];

	assert(r->in_flight < REDIS_WINDOW);
	if (format(&u->command, argc, argv, len, why) < 0)
		return -1;
	u->waits = redis_waits(r) && strcmp(argv[0], "FCALL") == 0;
	u->taker = taker;
	if (r->in_flight++ == 0)
		r->waiting_since_ms = clock_ms();
	if (!r->context) {
		fault_set(why, EX_UNAVAILABLE, "redis '%s': not connected", r->endpoint.address);
		return redis_heal(r, why);
	}
	if (redis_put(r, u) == 0)
		return 0;
	return redis_lose(r, why);
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

static void all_is_well(struct redis *r)
{
	r->trouble_since_ms = 0;
	r->tries = 0;
	r->loads = 0;
}

static void answered(struct redis *r)
{
	r->oldest = (r->oldest + 1) % REDIS_WINDOW;
	r->in_flight--;
	r->waiting_since_ms = clock_ms();
	all_is_well(r);
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
	return redis_heal(r, why);
}

int redis_read(struct redis *r, bool readable, struct fault *why)
{
	if (readable)
		return redisBufferRead(r->context) == REDIS_OK ? 0 : redis_lose(r, why);
	if (clock_ms() - r->waiting_since_ms < r->patience_ms)
		return 0;
	fault_set(why, EX_UNAVAILABLE, "redis '%s': no answer within %" PRId64 " ms",
		  r->endpoint.address, r->patience_ms);
	return redis_heal(r, why);
}

/* 1: the next answer on the wire was read, 0: not yet, or all is asked again, -1. */
static int arrived(struct redis *r, redisReply **root, struct fault *why)
{
	void *found = NULL;

	if (redisGetReplyFromReader(r->context, &found) != REDIS_OK)
		return redis_lose(r, why);
	*root = found;
	return found != NULL;
}

/* Of the oldest command, which was done. */
static int too_few(struct redis *r, long long replicas, struct fault *why)
{
	fault_set(why, EX_TEMPFAIL,
		  "redis '%s': only %lld of %" PRId64 " replicas have it: not confirmed: ask again",
		  r->endpoint.address, replicas, r->replicas);
	why->unconfirmed = true;
	if (!r->wait_once)
		return redis_heal(r, why);
	answered(r);
	return -1;
}

/* WAIT's answer has come, too: is the one that it is about an answer now? As arrived. */
static int confirm(struct redis *r, redisReply *wait, redisReply **root, struct fault *why)
{
	long long replicas = wait->type == REDIS_REPLY_INTEGER ? wait->integer : 0;

	*root = r->held;
	r->held = NULL;
	if ((*root)->type == REDIS_REPLY_ERROR || replicas >= r->replicas) {
		freeReplyObject(wait);
		return 1;
	}
	freeReplyObject(*root);
	if (wait->type == REDIS_REPLY_ERROR)
		return error_answer(r, wait, why);
	freeReplyObject(wait);
	return too_few(r, replicas, why);
}

/* As arrived, with what WAIT says of it. */
static int oldest_answer(struct redis *r, redisReply **root, struct fault *why)
{
	int got = arrived(r, root, why);

	if (got > 0 && r->window[r->oldest].waits && !r->held) {
		r->held = *root;
		r->waiting_since_ms = clock_ms();
		got = arrived(r, root, why);
	}
	if (!r->held) /* it waits for nobody, or all is asked again */
		return got;
	return got > 0 ? confirm(r, *root, root, why) : got;
}

int redis_try_receive(struct redis *r, struct reply *reply, struct fault *why)
{
	redisReply *root = NULL;
	int got;

	assert(r->in_flight > 0);
	if (!r->context)
		return fault_set(why, EX_UNAVAILABLE, "redis '%s': not connected",
				 r->endpoint.address);
	got = oldest_answer(r, &root, why);
	if (got <= 0)
		return got;
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
		int got = redis_try_receive(r, reply, why), wait_ms, ready;
		struct pollfd fd;

		if (got != 0)
			return got < 0 ? -1 : 0;
		fd = (struct pollfd){.fd = redis_fd(r), .events = POLLIN};
		wait_ms = redis_wait_ms(r);
		ready = poll(&fd, 1, wait_ms < TICK_MS ? wait_ms : TICK_MS);
		if (ready == 0)
			redis_wait_tick(r);
		if (redis_read(r, ready > 0, why) < 0)
			return -1;
	}
}

/* An error answer has been received, too: one fewer is in flight. */
static int settle_one(struct redis *r, struct fault *why)
{
	const struct taker taker = r->window[r->oldest].taker;
	const size_t before = r->in_flight;
	struct reply reply = {0};
	int result = redis_receive(r, &reply, why);

	if (result < 0 && r->in_flight == before)
		return -1;
	if (taker.take)
		result = taker.take(taker.self, result < 0 ? NULL : &reply, why);
	else
		result = 0; /* who asked has given up since */
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
	int64_t left = r->waiting_since_ms + r->patience_ms - clock_ms();

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
	while (redis_library_version_on(r->context, r->endpoint.address, version, why) < 0)
		if (why->status != EX_UNAVAILABLE || redis_heal(r, why) < 0)
			return -1;
	all_is_well(r);
	return 0;
}

int redis_library(struct redis *r, enum library_state *state, struct fault *why)
{
	while (redis_library_on(r->context, r->endpoint.address, state, why) < 0)
		if (why->status != EX_UNAVAILABLE || redis_heal(r, why) < 0)
			return -1;
	all_is_well(r);
	return 0;
}
