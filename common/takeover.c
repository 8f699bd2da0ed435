#include "takeover.h"

#include "award.h"
#include "event.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { TOGETHER = 500 }; /* marked with one call */

/* One event's. */
struct strays {
	char id[UUID_LEN + 1];
	struct burial *burial;
	size_t count, room;
};

static int make_room(struct strays *s, struct fault *why)
{
	size_t room = s->room ? 2 * s->room : 64;
	struct burial *burial;

	if (s->count < s->room)
		return 0;
	burial = realloc(s->burial, room * sizeof *burial);
	if (!burial)
		return fault_set(why, EX_OSERR, "out of memory");
	s->burial = burial;
	s->room = room;
	return 0;
}

static int add(struct strays *s, struct reply *reply, struct fault *why)
{
	struct burial *burial;

	if (make_room(s, why) < 0)
		return -1;
	assert(s->burial);
	burial = &s->burial[s->count++];
	*burial = (struct burial){0};
	reply_copy(reply, burial->user, sizeof burial->user);
	burial->partition = (int32_t)reply_int(reply);
	burial->offset = reply_int(reply);
	burial->issued_us = reply_int(reply);
	return reply_check(reply, "stranded", why);
}

static int find(struct takeover *t, struct step *step, const struct place *place,
		const struct span *span, size_t count, struct strays *s, struct fault *why)
{
	int64_t scan = 0;
	int result;

	do {
		struct reply reply = {0};

		result = award_stranded(step, t->redis, place, span, count, &scan, &reply, why);
		if (result == 0)
			reply_copy(&reply, s->id, sizeof s->id);
		while (result == 0 && reply_more(&reply))
			result = add(s, &reply, why);
		if (result == 0)
			result = reply_check(&reply, "stranded", why);
		reply_release(&reply);
	} while (result == 0 && scan != 0);
	return result;
}

/* Some of the same fate. */
static int mark(struct takeover *t, struct step *step, const struct place *place, const char *id,
		const struct burial *burial, size_t count, struct fault *why)
{
	bool parked = *burial->run;
	int64_t marked;

	if (parked)
		award_park_begin(step, place, id, burial->run);
	else
		award_done_begin(step, place, id);
	for (size_t i = 0; i < count; i++)
		if (parked)
			award_park_add(step, burial[i].user, burial[i].partition, burial[i].offset);
		else
			award_done_add(step, burial[i].user);
	marked = step_number(step, place, t->redis, why);
	if (marked > 0)
		*(parked ? &t->parked : &t->done) += marked;
	return marked < 0 ? -1 : 0;
}

static int by_run(const void *one, const void *other)
{
	return strcmp(((const struct burial *)one)->run, ((const struct burial *)other)->run);
}

static int mark_all(struct takeover *t, struct step *step, const struct place *place,
		    struct strays *s, struct fault *why)
{
	size_t i = 0, next = 0;

	qsort(s->burial, s->count, sizeof *s->burial, by_run);
	for (; i < s->count; i = next) {
		while (next < s->count && next - i < TOGETHER &&
		       by_run(&s->burial[i], &s->burial[next]) == 0)
			next++;
		if (mark(t, step, place, s->id, &s->burial[i], next - i, why) < 0)
			return -1;
	}
	return 0;
}

static bool is_cut(const struct burial *burial, const struct span *span, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (span[i].partition == burial->partition)
			return burial->offset >= span[i].offset;
	return false;
}

/* Those whose records were cut, or are gone: the others stay. */
static int lift(struct takeover *t, struct step *step, const struct place *place,
		const struct span *span, size_t count, struct strays *s, struct fault *why)
{
	size_t stay = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct burial *b = &s->burial[i];

		if (!b->gone && !is_cut(b, span, count)) {
			s->burial[stay++] = *b;
			continue;
		}
		if (award_lift(step, t->redis, place, s->id, b->user,
			       (struct span){b->partition, b->offset, 0}, why) < 0)
			return -1;
		t->lifted++;
	}
	s->count = stay;
	return 0;
}

static int take_over(struct takeover *t, struct step *step, const struct place *place,
		     const struct span *span, size_t count, struct fault *why)
{
	struct strays s = {0};
	int result = find(t, step, place, span, count, &s, why);

	if (result == 0 && s.count > 0)
		result = t->source->buried(t->source, s.id, s.burial, s.count, why);
	if (result == 0)
		result = lift(t, step, place, span, count, &s, why);
	if (result == 0 && s.count > 0)
		result = mark_all(t, step, place, &s, why);
	free(s.burial);
	return result < 0 && !why->no_event ? -1 : 0;
}

int takeover(struct takeover *t, const struct span *span, size_t count, struct fault *why)
{
	size_t room = 1 + 2 * count, marks = AWARD_ARGS(TOGETHER);
	struct reply names = {0};
	struct step step;
	const char *name;
	int result;

	if (step_init(&step, room > marks ? room : marks, why) < 0)
		return -1;
	result = event_names(t->redis, t->prefix, &names, why);
	while (result == 0 && (name = event_next_name(&names))) {
		struct place place;

		result = place_init(&place, t->prefix, name, why);
		if (result == 0)
			result = take_over(t, &step, &place, span, count, why);
	}
	reply_release(&names);
	step_release(&step);
	return result;
}
