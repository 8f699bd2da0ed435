#include "pool.h"

#include "code.h"
#include "stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PAGE = 1000, LOAD_LEN = 8, ANSWER_LOADED = 0, ANSWER_BEFORE = -1 };

/* Lines that follow one another and were refused alike. */
struct refusal {
	const char *invalid; /* why; NULL: loaded before, or the same as earlier lines */
	int64_t first, last;
	int64_t like; /* the earlier line that the first is the same as; 0: none of this load */
};

struct loading {
	const struct control *control;
	struct pool_load *counts;
	struct refusal refusal; /* first 0: none */
};

/* --- loading ---------------------------------------------------------------------------------- */

/* "line 7", "lines 7-9" */
static void name_lines(char out[48], int64_t first, int64_t last)
{
	if (first == last)
		snprintf(out, 48, "line %" PRId64, first);
	else
		snprintf(out, 48, "lines %" PRId64 "-%" PRId64, first, last);
}

static void say(struct loading *l)
{
	const struct refusal *r = &l->refusal;
	char lines[48], like[48], text[160];

	if (!r->first)
		return;
	name_lines(lines, r->first, r->last);
	name_lines(like, r->like, r->like + r->last - r->first);
	if (r->invalid)
		snprintf(text, sizeof text, "%s: not a code: %s", lines, r->invalid);
	else if (r->like)
		snprintf(text, sizeof text, "%s: the same as %s", lines, like);
	else
		snprintf(text, sizeof text, "%s: loaded before", lines);
	l->control->complain(text);
	l->refusal.first = 0;
}

static void refuse(struct loading *l, int64_t line, const char *invalid, int64_t like)
{
	struct refusal *r = &l->refusal;
	int64_t next = r->like ? r->like + r->last - r->first + 1 : 0;

	if (r->first && r->last + 1 == line && r->invalid == invalid && like == next) {
		r->last = line;
		return;
	}
	say(l);
	*r = (struct refusal){invalid, line, line, like};
}

static int on_answer(void *self, const struct person *person, const struct cell *cell,
		     struct fault *why)
{
	struct loading *l = self;
	int64_t answer = cell ? cell->number : ANSWER_LOADED;

	(void)why;
	l->counts->invalid += cell == NULL;
	l->counts->loaded += cell && answer == ANSWER_LOADED;
	l->counts->duplicates += cell && answer != ANSWER_LOADED;
	if (!cell)
		refuse(l, person->number, person->invalid, 0);
	else if (answer != ANSWER_LOADED)
		refuse(l, person->number, NULL, answer == ANSWER_BEFORE ? 0 : answer);
	l->control->progress(person->number);
	return 0;
}

static int on_pause(void *self, struct fault *why)
{
	(void)why;
	say(self);
	return 0;
}

int pool_load(const struct pool *pool, int fd, struct pool_load *counts, struct fault *why)
{
	struct loading loading = {.control = pool->control, .counts = counts};
	struct listener listener = {&loading, on_answer, on_pause};
	struct people *lines = people_from_fd(fd);
	char load[CODE_UUID_LEN + 1];
	struct question question = {.function = "load",
				    .place = pool->place,
				    .args = {pool->id, load},
				    .numbered = true,
				    .types = "i"};
	int result;

	*counts = (struct pool_load){0};
	if (!lines)
		return fault_errno(why, EX_OSERR, "load");
	code_uuid(load);
	load[LOAD_LEN] = '\0'; /* of the loads of one event, few are alike in that much */
	result = stream_run(pool->redis, &question, lines, &listener, pool->control, why);
	say(&loading);
	people_close(lines);
	return result;
}

int pool_log(const struct pool *pool, const char *who, struct fault *why)
{
	struct reply reply = {0};
	int result = step_once(pool->redis, pool->place, "loaded", false, &reply, why, pool->id,
			       who, NULL);

	reply_release(&reply);
	return result;
}

/* --- what is left ----------------------------------------------------------------------------- */

/* As the last page told it. */
struct bookmark {
	int64_t from, left, loaded;
};

/* How many were on the page, or -1. */
static int page(const struct pool *pool, struct step *step, struct bookmark *mark,
		int (*visit)(void *, const char *, struct fault *), void *self, struct fault *why)
{
	struct reply reply = {0};
	int visited = 0, result;

	step_begin(step, pool->place, "pool", true);
	step_int(step, mark->from);
	step_int(step, PAGE);
	step_int(step, mark->left);
	step_int(step, mark->loaded);
	result = step_call(step, pool->place, pool->redis, &reply, why);
	if (result == 0) {
		mark->from = reply_int(&reply);
		mark->left = reply_int(&reply);
		mark->loaded = reply_int(&reply);
	}
	while (result == 0 && reply_more(&reply)) {
		size_t len;
		const char *code = reply_text(&reply, &len);

		result = reply_check(&reply, pool->place->event_key, why);
		if (result == 0)
			result = visit(self, code, why);
		visited++;
	}
	if (result == 0)
		result = reply_check(&reply, pool->place->event_key, why);
	reply_release(&reply);
	return result < 0 ? -1 : visited;
}

int pool_each(const struct pool *pool, int (*visit)(void *self, const char *code, struct fault *),
	      void *self, struct fault *why)
{
	struct bookmark mark = {0};
	struct step step;
	int visited = PAGE;

	if (step_init(&step, 4, why) < 0)
		return -1;
	while (visited == PAGE && !pool->control->stopping())
		visited = page(pool, &step, &mark, visit, self, why);
	step_release(&step);
	return visited < 0 ? -1 : 0;
}
