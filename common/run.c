#include "run.h"

#include "clock.h"
#include "code.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

void run_begin(struct run *run, const char *tool)
{
	memset(run, 0, sizeof *run);
	code_uuid(run->run);
	snprintf(run->tool, sizeof run->tool, "%s", tool);
	who_host(run->host);
	run->started_us = clock_now_us();
}

/* An error's text may quote bytes from outside, or have been cut inside a character. */
static void make_utf8(char *text)
{
	size_t len = strlen(text);
	size_t size;
	uint32_t point;

	for (size_t i = 0; i < len; i += size) {
		size = name_character(text + i, len - i, &point);
		if (size == 0) {
			text[i] = '?';
			size = 1;
		}
	}
}

void run_mark(struct run *run, const char *status)
{
	run->ended_us = clock_now_us();
	snprintf(run->status, sizeof run->status, "%s", status);
	make_utf8(run->error);
}

void run_books(char line[RUN_BOOKS], const struct run *run)
{
	snprintf(line, RUN_BOOKS,
		 "%s%s%sin %" PRId64 " = done %" PRId64 " + already %" PRId64 " + refused %" PRId64
		 " + dead %" PRId64 ", retried %" PRId64,
		 *run->event ? "event '" : "", run->event,
		 *run->event ? "': " : "no event: ", run->in, run->done, run->already, run->refused,
		 run->dead, run->retried);
}

bool run_balances(const struct run *run)
{
	return run->in == run->done + run->already + run->refused + run->dead;
}

void run_json(struct buffer *buffer, const struct run *run)
{
	json_begin(buffer);
	json_cstring(buffer, "type", "run");
	json_cstring(buffer, "run", run->run);
	json_cstring(buffer, "tool", run->tool);
	json_cstring(buffer, "host", run->host);
	json_cstring(buffer, "event", run->event);
	json_cstring(buffer, "id", run->id);
	json_cstring(buffer, "status", run->status);
	json_int(buffer, "started_us", run->started_us);
	json_int(buffer, "ended_us", run->ended_us);
	json_int(buffer, "in", run->in);
	json_int(buffer, "done", run->done);
	json_int(buffer, "already", run->already);
	json_int(buffer, "refused", run->refused);
	json_int(buffer, "dead", run->dead);
	json_int(buffer, "retried", run->retried);
	json_cstring(buffer, "error", run->error);
	json_end(buffer);
}

static void keep_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text);
}

int run_read(const char *json, size_t len, struct run *run, struct fault *why)
{
	const char *id, *tool, *host, *event, *event_id, *status, *error;
	json_int_t started, ended, in, done, already, refused, dead;
	json_int_t retried = 0; /* not in records of an older fcfs */
	json_t *object = json_loadb(json, len, 0, NULL);
	int bad =
		json_unpack(object, "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s?I}",
			    "run", &id, "tool", &tool, "host", &host, "event", &event, "id",
			    &event_id, "status", &status, "error", &error, "started_us", &started,
			    "ended_us", &ended, "in", &in, "done", &done, "already", &already,
			    "refused", &refused, "dead", &dead, "retried", &retried);

	memset(run, 0, sizeof *run);
	if (bad) {
		json_decref(object);
		return fault_set(why, EX_PROTOCOL, "a run record is not ours");
	}
	keep_text(run->run, sizeof run->run, id);
	keep_text(run->tool, sizeof run->tool, tool);
	keep_text(run->host, sizeof run->host, host);
	keep_text(run->event, sizeof run->event, event);
	keep_text(run->id, sizeof run->id, event_id);
	keep_text(run->status, sizeof run->status, status);
	keep_text(run->error, sizeof run->error, error);
	run->started_us = started;
	run->ended_us = ended;
	run->in = in;
	run->done = done;
	run->already = already;
	run->refused = refused;
	run->dead = dead;
	run->retried = retried;
	json_decref(object);
	return 0;
}
