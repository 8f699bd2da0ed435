#include "step.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD = 5 }; /* FCALL, the function, 2, two keys */

#define TEXT_OF(x) #x
#define SUFFIX(x) "_" TEXT_OF(x)

int place_init(struct place *place, const char *prefix, const char *event, struct fault *why)
{
	if (!name_is_event(event, strlen(event)))
		return fault_set(why, EX_USAGE,
				 "event '%.64s': a name is 1-64 of A-Z a-z 0-9 . _ -", event);
	snprintf(place->name, sizeof place->name, "%s", event);
	snprintf(place->event_key, sizeof place->event_key, "%sfcfs:{%s}:event", prefix, event);
	snprintf(place->line_key, sizeof place->line_key, "%sfcfs:{%s}:line", prefix, event);
	return 0;
}

int step_init(struct step *step, size_t args, struct fault *why)
{
	memset(step, 0, sizeof *step);
	step->room = HEAD + args;
	step->argv = calloc(step->room, sizeof *step->argv);
	step->len = calloc(step->room, sizeof *step->len);
	step->digits = calloc(step->room, sizeof *step->digits);
	if (step->argv && step->len && step->digits)
		return 0;
	step_release(step);
	return fault_errno(why, EX_OSERR, "a step of %zu arguments", args);
}

void step_release(struct step *step)
{
	free(step->argv);
	free(step->len);
	free(step->digits);
	memset(step, 0, sizeof *step);
}

void step_bytes(struct step *step, const char *bytes, size_t len)
{
	assert(step->argc < step->room);
	step->argv[step->argc] = bytes;
	step->len[step->argc++] = len;
}

void step_text(struct step *step, const char *text)
{
	step_bytes(step, text, strlen(text));
}

void step_int(struct step *step, int64_t value)
{
	char *digits;

	assert(step->argc < step->room);
	digits = step->digits[step->argc];
	step_bytes(step, digits, int_digits(digits, value));
}

void step_pair(struct step *step, int64_t one, int64_t other)
{
	char *digits;
	size_t len;

	assert(step->argc < step->room);
	digits = step->digits[step->argc];
	len = int_digits(digits, one);
	digits[len++] = ' ';
	step_bytes(step, digits, len + int_digits(digits + len, other));
}

void step_begin(struct step *step, const struct place *place, const char *name, bool reads_only)
{
	step->argc = 0;
	snprintf(step->function, sizeof step->function, "fcfs_%s" SUFFIX(FCFS_PROTOCOL), name);
	step_text(step, reads_only ? "FCALL_RO" : "FCALL");
	step_text(step, step->function);
	step_text(step, "2");
	step_text(step, place->event_key);
	step_text(step, place->line_key);
}

int step_send(struct step *step, struct redis *redis, struct fault *why)
{
	return redis_send(redis, step->argc, step->argv, step->len, why);
}

int step_post(struct step *step, struct redis *redis, struct taker taker, struct fault *why)
{
	return redis_post(redis, step->argc, step->argv, step->len, taker, why);
}

int step_call(struct step *step, const struct place *place, struct redis *redis,
	      struct reply *reply, struct fault *why)
{
	if (redis_call(redis, step->argc, step->argv, step->len, reply, why) == 0)
		return 0;
	step_name_event(why, place);
	return -1;
}

int64_t step_number(struct step *step, const struct place *place, struct redis *redis,
		    struct fault *why)
{
	struct reply reply = {0};
	int64_t number;

	if (step_call(step, place, redis, &reply, why) < 0)
		return -1;
	number = reply_int(&reply);
	reply.unsound = reply.unsound || number < 0;
	if (reply_check(&reply, place->event_key, why) < 0)
		number = -1;
	reply_release(&reply);
	return number;
}

int step_once(struct redis *redis, const struct place *place, const char *name, bool reads_only,
	      struct reply *reply, struct fault *why, ...)
{
	const char *argv[HEAD + STEP_ONCE], *text;
	size_t len[HEAD + STEP_ONCE];
	struct step step = {.room = HEAD + STEP_ONCE, .argv = argv, .len = len};
	va_list texts;

	step_begin(&step, place, name, reads_only);
	va_start(texts, why);
	while ((text = va_arg(texts, const char *)) != NULL)
		step_text(&step, text);
	va_end(texts);
	return step_call(&step, place, redis, reply, why);
}

int step_confirm(const struct place *place, struct redis *redis, int64_t connections,
		 struct fault *why)
{
	struct reply reply = {0};
	int result;

	if (!redis_waits(redis))
		return 1;
	result = step_once(redis, place, "touch", false, &reply, why, NULL);
	reply_release(&reply);
	return result < 0 ? -1 : redis_connections(redis) == connections;
}

void step_name_event(struct fault *why, const struct place *place)
{
	if (!why->no_event)
		return;
	fault_set(why, why->status, "event '%s': no such event", place->name);
	why->no_event = true;
}
