/*
 * redis_heal.c - what is unanswered, on the wire: sent, and sent again when the connection was lost.
 */
#include "redis_private.h"

#include "clock.h"
#include "retry.h"

enum { BACKOFF_MOST_MS = 500 };

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

void redis_disconnect(struct redis *r)
{
	if (r->context)
		redisFree(r->context);
	if (r->held)
		freeReplyObject(r->held);
	r->context = NULL;
	r->held = NULL;
}

int redis_connect_once(struct redis *r, struct fault *why)
{
	r->context = endpoint_connect(&r->endpoint, why);
	if (r->context && load_library(r, why) == 0) {
		r->connections++;
		return 0;
	}
	redis_disconnect(r);
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

static int put(struct redis *r, const struct buffer *command)
{
	return redisAppendFormattedCommand(r->context, command->bytes, command->len);
}

static int append(struct redis *r, const struct unanswered *u)
{
	if (put(r, &u->command) != REDIS_OK)
		return -1;
	return u->waits ? put(r, &r->wait) : REDIS_OK;
}

static int send_again(struct redis *r)
{
	for (size_t i = 0; i < r->in_flight; i++)
		if (append(r, &r->window[(r->oldest + i) % REDIS_WINDOW]) != REDIS_OK)
			return -1;
	r->waiting_since_ms = clock_ms();
	return flush(r);
}

void redis_wait_tick(const struct redis *r)
{
	if (r->waiting)
		r->waiting(r->waiting_self);
}

/* At once the first time. */
static void back_off(struct redis *r)
{
	const struct retry retry = {.max_ms = BACKOFF_MOST_MS};

	clock_sleep_ms(r->tries ? retry_delay_ms(&retry, r->tries) : 0);
	redis_wait_tick(r);
	r->tries++;
}

int redis_heal(struct redis *r, struct fault *why)
{
	int64_t now = clock_ms();
	bool loading = r->wants_library; /* a missing library is no lost connection: no limit yet */

	if (!r->trouble_since_ms)
		r->trouble_since_ms = now;
	for (;;) {
		redis_disconnect(r);
		if (why->status != EX_UNAVAILABLE && !why->unconfirmed && !r->wants_library)
			return -1;
		if (!loading && clock_ms() - r->trouble_since_ms >= r->reconnect_ms)
			return -1;
		loading = false;
		back_off(r);
		if (redis_connect_once(r, why) < 0) {
			if (why->status != EX_UNAVAILABLE)
				return -1;
		} else if (send_again(r) == 0) {
			return 0;
		} else {
			redis_lost(r->context, r->endpoint.address, why);
		}
	}
}

int redis_put(struct redis *r, const struct unanswered *u)
{
	return append(r, u) == REDIS_OK ? flush(r) : -1;
}

int redis_lose(struct redis *r, struct fault *why)
{
	redis_lost(r->context, r->endpoint.address, why);
	return redis_heal(r, why);
}
