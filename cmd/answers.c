#include "answers.h"

#include "buffer.h"
#include "clock.h"
#include "histogram.h"
#include "ui.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 16 };

struct audience {
	const struct answers *answers;
	struct buffer line;
	int64_t count[WORDS_MAX]; /* a status */
	int64_t asked, invalid, unconfirmed;
	int exit_status; /* the last person's */
	struct histogram *latency_us;
};

static bool present(const struct answers_column *column, const struct cell *cell,
		    const char *status)
{
	if (!cell)
		return false;
	if (column->present)
		return column->present(status);
	return column->type == 'i' ? cell->number != 0 : cell->len > 0;
}

/* Why a name is invalid stands in the column for it, where there is one. */
static bool says_why(const struct answers_column *column, const char *invalid)
{
	return invalid && strcmp(column->name, "detail") == 0;
}

static void write_text(struct buffer *line, const struct answers *a, const char *status,
		       const char *shown, size_t len, const char *invalid, const struct cell *cell)
{
	buffer_text(line, status);
	buffer_add(line, "\t", 1);
	buffer_add(line, len ? shown : "-", len ? len : 1);
	for (const struct answers_column *c = a->columns; c->name; c++) {
		if (cell)
			cell++;
		buffer_add(line, "\t", 1);
		if (present(c, cell, status))
			buffer_add(line, cell->text, cell->len);
		else
			buffer_text(line, says_why(c, invalid) ? invalid : "-");
	}
}

static void write_json(struct buffer *line, const struct answers *a, const char *status,
		       const char *shown, size_t len, const char *invalid, const struct cell *cell)
{
	json_begin(line);
	json_cstring(line, a->status_name, status);
	json_text(line, "user", shown, len);
	for (const struct answers_column *c = a->columns; c->name; c++) {
		if (cell)
			cell++;
		if (says_why(c, invalid))
			json_cstring(line, c->name, invalid);
		else if (!present(c, cell, status))
			json_none(line, c->name);
		else if (c->type == 'i')
			json_int(line, c->name, cell->number);
		else
			json_text(line, c->name, cell->text, cell->len);
	}
	json_end(line);
}

static int tally(struct audience *audience, const char *status)
{
	const struct answers_word *words = audience->answers->words;

	for (size_t i = 0; words[i].status; i++) {
		if (strcmp(words[i].status, status) != 0)
			continue;
		audience->count[i]++;
		return words[i].exit_status;
	}
	return -1;
}

static int on_answer(void *self, const struct person *person, const struct cell *cell,
		     struct fault *why)
{
	struct audience *audience = self;
	struct buffer *line = &audience->line;
	const char *status = person->invalid ? "invalid" : cell->text;
	char shown[NAME_SHOWN_MAX];
	const char *name = person->name; /* a legal one is shown as it is */
	size_t len = person->len;

	if (person->invalid) {
		len = name_show(shown, name, len);
		name = shown;
	}
	audience->asked++;
	audience->invalid += person->invalid != NULL;
	audience->unconfirmed += strcmp(status, "unconfirmed") == 0;
	audience->exit_status = tally(audience, status);
	if (audience->exit_status < 0)
		return fault_set(why, EX_PROTOCOL, "the server answers '%.20s', which is no answer",
				 status);
	if (audience->latency_us)
		histogram_add(audience->latency_us, clock_us() - person->read_us);
	buffer_clear(line);
	(ui.json ? write_json : write_text)(line, audience->answers, status, name, len,
					    person->invalid, cell);
	ui_control.progress(audience->asked);
	return ui_line(line, why);
}

static int on_pause(void *self, struct fault *why)
{
	(void)self;
	return ui_flush(why);
}

static void say_counts(const struct audience *audience)
{
	const struct answers_word *words = audience->answers->words;
	char line[512];
	int used = snprintf(line, sizeof line, "%" PRId64 " asked =", audience->asked);
	const char *sign = " ";

	for (size_t i = 0; words[i].status; i++) {
		if (!audience->count[i])
			continue;
		used += snprintf(line + used, sizeof line - (size_t)used, "%s%" PRId64 " %s", sign,
				 audience->count[i], words[i].status);
		sign = " + ";
	}
	ui_control.note(used < (int)sizeof line ? line : "counts too long");
}

static void say_times(const struct histogram *h)
{
	fprintf(stderr,
		"latency_us p50 %" PRId64 " p90 %" PRId64 " p99 %" PRId64 " p99.9 %" PRId64
		" max %" PRId64 " n %" PRIu64 "\n",
		histogram_percentile(h, 50), histogram_percentile(h, 90),
		histogram_percentile(h, 99), histogram_percentile(h, 99.9), h->max, h->count);
}

/* Who was not confirmed must be asked about again: that goes before whose name was wrong. */
static int exit_status(const struct audience *audience, bool one)
{
	if (one)
		return audience->exit_status;
	if (audience->unconfirmed)
		return EX_TEMPFAIL;
	return audience->invalid ? EX_DATAERR : STATUS_YES;
}

/* Where nobody was asked about, nothing has shown that there is such an event. */
static int require_event(struct redis *redis, const struct place *place, struct fault *why)
{
	struct reply reply = {0};
	int result = step_once(redis, place, "rank", true, &reply, why, NULL);

	reply_release(&reply);
	return result;
}

/* The status, how many people it is of where the answers are in runs, then the columns. */
static void list_types(char types[STREAM_COLUMNS + 2], const struct answers *a)
{
	size_t cells = 1;

	*types++ = 't';
	if (a->in_runs)
		*types++ = 'n';
	for (const struct answers_column *c = a->columns; c->name; c++) {
		assert(cells < STREAM_COLUMNS);
		cells++;
		*types++ = c->type;
	}
	*types = '\0';
}

static int ask(const struct answers *a, struct redis *redis, const struct place *place,
	       struct people *people, bool one, struct fault *why)
{
	struct audience audience = {.answers = a};
	struct listener listener = {&audience, on_answer, on_pause};
	char types[STREAM_COLUMNS + 2];
	struct question question = {.function = a->function,
				    .reads_only = a->reads_only,
				    .place = place,
				    .args = {a->args[0], a->args[1]},
				    .types = types};
	int result;

	list_types(types, a);
	if (a->times)
		audience.latency_us = calloc(1, sizeof *audience.latency_us);
	result = stream_run(redis, &question, people, &listener, &ui_control, why);
	if (result == 0 && audience.asked == 0)
		result = require_event(redis, place, why);
	if (result == 0) {
		say_counts(&audience);
		if (audience.latency_us)
			say_times(audience.latency_us);
		result = exit_status(&audience, one);
	}
	free(audience.latency_us);
	buffer_release(&audience.line);
	return result;
}

int answers_run(const struct answers *a, char **operands, struct fault *why)
{
	bool one = operands[0] && operands[1] && !operands[2];
	struct redis *redis;
	struct people *people;
	struct place place;
	int result = -1;

	if (!operands[0])
		ui_misuse("which event?");
	if (place_init(&place, ui.config.prefix, operands[0], why) < 0)
		return -1;
	redis = ui_connect(why);
	if (!redis)
		return -1;
	redis_wait_once(redis);
	people = operands[1] ? people_from_args(operands + 1) : people_from_fd(STDIN_FILENO);
	if (!people)
		fault_errno(why, EX_OSERR, "people");
	else if (operands[1] || ui_check_server(redis, why) == 0)
		result = ask(a, redis, &place, people, one, why);
	people_close(people);
	redis_close(redis);
	return result;
}

int answers_run_line(const struct answers *a, const char *event, struct fault *why)
{
	struct redis_options options = config_redis(&ui.config);
	struct redis *redis;
	struct people *people = NULL;
	struct place place;
	int result = -1;

	if (place_init(&place, ui.config.prefix, event, why) < 0)
		return -1;
	redis = ui_connect(why);
	if (redis)
		people = people_from_line(&options, &place, why);
	if (people)
		result = ask(a, redis, &place, people, false, why);
	people_close(people);
	redis_close(redis);
	return result;
}
