#include "archive_live.h"

#include <string.h>

int archive_state_read(struct redis *redis, const struct place *place, struct archive_state *s,
		       struct fault *why)
{
	struct reply reply = {0};
	int result = step_once(redis, place, "archive_state", true, &reply, why, NULL);

	memset(s, 0, sizeof *s);
	if (result == 0) {
		reply_copy(&reply, s->id, sizeof s->id);
		reply_copy(&reply, s->state, sizeof s->state);
		s->now_us = reply_int(&reply);
		s->ended_us = reply_int(&reply);
		s->parked = reply_int(&reply);
		s->unissued = reply_int(&reply);
		s->winnable = reply_int(&reply);
		s->requests = reply_int(&reply);
		s->winners = reply_int(&reply);
		s->decisions = reply_int(&reply);
		for (int i = 0; i < ARCHIVE_COUNTS; i++)
			s->count[i] = reply_int(&reply);
		result = reply_check(&reply, place->event_key, why);
	}
	reply_release(&reply);
	return result;
}

static int ask(struct archive_live *live, enum archive_section section, const char *at,
	       struct fault *why)
{
	live->asked = section;
	if (section == ARCHIVE_SECTIONS)
		return 0;
	step_begin(&live->step, live->place, "archive", true);
	step_text(&live->step, archive_shapes[section].section);
	step_text(&live->step, at);
	return step_send(&live->step, live->redis, why);
}

int archive_live_open(struct redis *redis, const struct place *place, struct archive_live *live,
		      struct fault *why)
{
	*live = (struct archive_live){.redis = redis, .place = place};
	if (step_init(&live->step, 2, why) < 0)
		return -1;
	return ask(live, (enum archive_section)0, "0", why);
}

void archive_live_close(struct archive_live *live)
{
	struct fault ignored;

	reply_release(&live->page);
	while (live->redis && redis_in_flight(live->redis) > 0 &&
	       redis_receive(live->redis, &live->page, &ignored) == 0)
		reply_release(&live->page);
	step_release(&live->step);
}

/* The page that is on its way becomes the one we have, and the one behind it is asked for. */
static int turn(struct archive_live *live, struct fault *why)
{
	enum archive_section section = live->asked;
	size_t len;
	const char *at;

	reply_release(&live->page);
	if (redis_receive(live->redis, &live->page, why) < 0) {
		step_name_event(why, live->place);
		return -1;
	}
	if (section != live->section)
		live->number = 0;
	live->section = section;
	at = reply_text(&live->page, &len);
	if (reply_check(&live->page, live->place->event_key, why) < 0)
		return -1;
	if (strcmp(at, "0") == 0)
		section++;
	return ask(live, section, at, why);
}

static int read_entry(struct archive_live *live, struct fault *why)
{
	const struct archive_shape *shape = &archive_shapes[live->section];

	live->entry.section = live->section;
	live->entry.number = ++live->number;
	for (size_t i = 0; i < shape->columns; i++) {
		struct archive_cell *cell = &live->entry.cell[i];

		*cell = (struct archive_cell){0};
		if (shape->column[i].number)
			cell->number = reply_int(&live->page);
		else
			cell->text = reply_text(&live->page, &cell->len);
	}
	return reply_check(&live->page, live->place->event_key, why);
}

int archive_live_next(struct archive_live *live, const struct archive_entry **entry,
		      struct fault *why)
{
	while (!reply_more(&live->page)) {
		if (live->asked == ARCHIVE_SECTIONS)
			return 0;
		if (turn(live, why) < 0)
			return -1;
	}
	*entry = &live->entry;
	return read_entry(live, why) < 0 ? -1 : 1;
}
