#include "archive_restore.h"

#include <string.h>

enum { IN_FLIGHT = 4, PAGE_BYTES = 1 << 20 };

static int stale(struct restore *restore, struct fault *why)
{
	restore->stale = true;
	return fault_set(
		why, EX_TEMPFAIL,
		"event '%s': another restore or purge of it has begun: nothing of this one "
		"is there",
		restore->place->name);
}

/* 1 begun (or, without a token, cleared), 0 there is such an event, -1. */
static int begin(struct restore *restore, const char *token, struct fault *why)
{
	struct reply reply = {0};
	size_t len;
	int result = -1;

	step_begin(&restore->step, restore->place, "restore_start", false);
	step_text(&restore->step, token);
	step_text(&restore->step, restore->replaced);
	if (step_call(&restore->step, restore->place, restore->redis, &reply, why) == 0) {
		result = *reply_text(&reply, &len) == '\0';
		if (reply_check(&reply, restore->place->event_key, why) < 0)
			result = -1;
	}
	reply_release(&reply);
	return result;
}

int restore_open(struct redis *redis, const struct place *place, const char *replaced,
		 struct restore *restore, struct fault *why)
{
	memset(restore, 0, sizeof *restore);
	restore->redis = redis;
	restore->place = place;
	restore->replaced = replaced;
	code_uuid(restore->token);
	if (step_init(&restore->step, 3 + RESTORE_PAGE * ARCHIVE_COLUMNS, why) < 0)
		return -1;
	return begin(restore, restore->token, why);
}

static int receive(struct restore *restore, struct fault *why)
{
	struct reply reply = {0};
	int result = redis_receive(restore->redis, &reply, why);

	if (result == 0 && reply_int(&reply) != 1)
		result = stale(restore, why);
	reply_release(&reply);
	return result;
}

static int drain(struct restore *restore, size_t most, struct fault *why)
{
	while (redis_in_flight(restore->redis) > most)
		if (receive(restore, why) < 0)
			return -1;
	return 0;
}

/* Nothing is in flight any more, whatever the answers were. False: the server is lost. */
static bool settle(struct restore *restore)
{
	struct fault ignored;

	while (redis_in_flight(restore->redis) > 0)
		if (receive(restore, &ignored) < 0 && ignored.status == EX_UNAVAILABLE)
			return false;
	return true;
}

void restore_close(struct restore *restore)
{
	settle(restore);
	step_release(&restore->step);
	buffer_release(&restore->bytes);
}

static int flush(struct restore *restore, struct fault *why)
{
	const char *at = restore->bytes.bytes;

	if (restore->entries == 0)
		return 0;
	if (restore->bytes.failed)
		return fault_set(why, EX_OSERR, "out of memory");
	step_begin(&restore->step, restore->place, "restore", false);
	step_text(&restore->step, restore->token);
	step_text(&restore->step, archive_shapes[restore->section].section);
	step_int(&restore->step, restore->before);
	for (size_t i = 0; i < restore->cells; i++) {
		step_bytes(&restore->step, at, restore->len[i]);
		at += restore->len[i];
	}
	if (step_send(&restore->step, restore->redis, why) < 0)
		return -1;
	restore->before += (int64_t)restore->entries;
	restore->entries = restore->cells = 0;
	buffer_clear(&restore->bytes);
	return drain(restore, IN_FLIGHT, why);
}

static void add_cell(struct restore *restore, const struct archive_cell *cell)
{
	size_t before = restore->bytes.len;

	if (cell->text)
		buffer_add(&restore->bytes, cell->text, cell->len);
	else
		buffer_int(&restore->bytes, cell->number);
	restore->len[restore->cells++] = restore->bytes.len - before;
}

int restore_add(struct restore *restore, const struct archive_entry *entry, struct fault *why)
{
	const struct archive_shape *shape = &archive_shapes[entry->section];

	if (entry->section != restore->section || restore->entries == RESTORE_PAGE ||
	    restore->bytes.len > PAGE_BYTES) {
		if (flush(restore, why) < 0)
			return -1;
	}
	if (entry->section != restore->section)
		restore->before = 0;
	restore->section = entry->section;
	for (size_t i = 0; i < shape->columns; i++)
		add_cell(restore, &entry->cell[i]);
	restore->entries++;
	return 0;
}

static int read_end(struct restore *restore, struct reply *reply, struct fault *why)
{
	enum { EXISTS, RESTORED, STALE, DIFFERS, ANSWERS };
	static const char *const SAYS[ANSWERS] = {[EXISTS] = "exists",
						  [RESTORED] = "restored",
						  [STALE] = "stale",
						  [DIFFERS] = "differs"};
	const size_t answer = reply_word(reply, SAYS, ANSWERS);

	if (reply_check(reply, restore->place->event_key, why) < 0)
		return -1;
	if (answer == EXISTS || answer == RESTORED)
		return answer == RESTORED;
	if (answer == STALE)
		return stale(restore, why);
	return fault_set(why, EX_DATAERR,
			 "a name or a code is there twice: nothing of it is put back");
}

int restore_end(struct restore *restore, const int64_t count[ARCHIVE_COUNTS], struct fault *why)
{
	struct reply reply = {0};
	int result;

	if (flush(restore, why) < 0 || drain(restore, 0, why) < 0)
		return -1;
	step_begin(&restore->step, restore->place, "restore_finish", false);
	step_text(&restore->step, restore->token);
	step_text(&restore->step, restore->replaced);
	for (int i = 0; i < ARCHIVE_COUNTS; i++)
		step_int(&restore->step, count[i]);
	result = step_call(&restore->step, restore->place, restore->redis, &reply, why);
	if (result == 0)
		result = read_end(restore, &reply, why);
	reply_release(&reply);
	return result;
}

void restore_drop(struct restore *restore)
{
	struct fault ignored;

	if (settle(restore) && !restore->stale)
		begin(restore, "", &ignored);
}
