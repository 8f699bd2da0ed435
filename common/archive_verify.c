/*
 * archive_verify.c - an archive against itself, and against the event: both are gone through in step,
 * so that a difference is found where it is, in bounded memory. The codes ever loaded have no order:
 * of them the sums of their digests are compared.
 */
#include "archive.h"

#include "archive_file.h"
#include "archive_live.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAID_MOST = 10 };

/* A side of the comparison: its present entry, NULL at its end. */
struct side {
	const struct archive_entry *entry;
	uint64_t sum[2]; /* of the digests of the codes loaded */
};

struct verifying {
	const struct place *place;
	const struct control *control;
	struct archive_file *file;
	struct archive_live live;
	struct archive_state state; /* of the event when the comparison began */
	bool alone;		    /* there is no event, or the file is faulty */
	struct side in_file, in_redis;
	int64_t faults, differences;
};

static void say(const struct verifying *v, int64_t nth, const char *line)
{
	if (nth <= SAID_MOST)
		v->control->complain(line);
	if (nth == SAID_MOST + 1)
		v->control->complain("there are more");
}

static void label(char out[160], const struct archive_entry *entry)
{
	const struct archive_cell *first = &entry->cell[0];

	if (entry->section == ARCHIVE_PEOPLE)
		snprintf(out, 160, "ticket %" PRId64, entry->number);
	else if (entry->section <= ARCHIVE_PASSING)
		snprintf(out, 160, "field '%.64s'", first->text);
	else
		snprintf(out, 160, "%s %" PRId64, archive_shapes[entry->section].type,
			 entry->number);
}

static void differ(struct verifying *v, const char *what)
{
	struct fault shown;

	fault_set(&shown, EX_DATAERR, "event '%s' differs: %s", v->place->name, what);
	say(v, ++v->differences, shown.line);
}

/* Never a value: it may be a code. */
static void differ_in(struct verifying *v, const struct archive_entry *entry, const char *how)
{
	char line[320], what[160];

	label(what, entry);
	snprintf(line, sizeof line, "%s %s", what, how);
	differ(v, line);
}

static bool same_cell(const struct archive_cell *a, const struct archive_cell *b)
{
	return a->number == b->number && a->len == b->len &&
	       (a->len == 0 || memcmp(a->text, b->text, a->len) == 0);
}

/* What goes on by itself counts on. */
static bool went_on(const struct archive_entry *before, const struct archive_entry *after)
{
	return strtoll(after->cell[1].text, NULL, 10) >= strtoll(before->cell[1].text, NULL, 10);
}

static void compare(struct verifying *v)
{
	const struct archive_entry *f = v->in_file.entry, *r = v->in_redis.entry;
	const struct archive_shape *shape = &archive_shapes[f->section];
	char how[80];

	if (f->section >= ARCHIVE_LOADED || (f->section == ARCHIVE_PASSING && went_on(f, r)))
		return;
	for (size_t i = 0; i < shape->columns; i++) {
		if (same_cell(&f->cell[i], &r->cell[i]))
			continue;
		snprintf(how, sizeof how, "has another %s", shape->column[i].name);
		differ_in(v, f, how);
		return;
	}
}

/* Which of two entries comes first: fields by name, all else by number. */
static int order(const struct archive_entry *a, const struct archive_entry *b)
{
	if (!a || !b)
		return a ? -1 : 1;
	if (a->section != b->section)
		return a->section < b->section ? -1 : 1;
	if (a->section <= ARCHIVE_PASSING)
		return strcmp(a->cell[0].text, b->cell[0].text);
	return a->number < b->number ? -1 : a->number > b->number;
}

static void add_sum(struct side *side)
{
	unsigned char digest[CODE_DIGEST] = {0};
	uint64_t half[2];

	if (!side->entry || side->entry->section != ARCHIVE_LOADED)
		return;
	for (int i = 0; i < 2; i++)
		code_chain(digest, side->entry->cell[i].text, side->entry->cell[i].len);
	memcpy(half, digest, sizeof half);
	side->sum[0] += half[0];
	side->sum[1] += half[1];
}

/* The next sound line; a faulty one is named, and ends the comparison. */
static int advance_file(struct verifying *v, struct fault *why)
{
	int got;

	while ((got = archive_file_next(v->file, &v->in_file.entry, why)) < 0) {
		if (why->status != EX_DATAERR)
			return -1;
		say(v, ++v->faults, why->line);
		v->alone = true;
		if (!archive_file_more(v->file))
			break;
	}
	if (got <= 0)
		v->in_file.entry = NULL;
	else if (v->in_file.entry->section == ARCHIVE_PEOPLE)
		v->control->progress(v->in_file.entry->number);
	add_sum(&v->in_file);
	return 0;
}

static int advance_live(struct verifying *v, struct fault *why)
{
	int got = archive_live_next(&v->live, &v->in_redis.entry, why);

	if (got == 0)
		v->in_redis.entry = NULL;
	add_sum(&v->in_redis);
	return got < 0 ? -1 : 0;
}

/* Runs come and go. */
static void missing(struct verifying *v, const struct archive_entry *entry, const char *how)
{
	if (entry->section != ARCHIVE_RUNS)
		differ_in(v, entry, how);
}

static int step_both(struct verifying *v, struct fault *why)
{
	int first = order(v->in_file.entry, v->in_redis.entry);

	if (first == 0)
		compare(v);
	else if (first < 0)
		missing(v, v->in_file.entry, "is in the file alone");
	else
		missing(v, v->in_redis.entry, "is in Redis alone");
	if (first >= 0 && advance_live(v, why) < 0)
		return -1;
	return first <= 0 ? advance_file(v, why) : 0;
}

static int check_all(struct verifying *v, struct fault *why)
{
	if (advance_file(v, why) < 0 || (!v->alone && advance_live(v, why) < 0))
		return -1;
	while (!v->alone && (v->in_file.entry || v->in_redis.entry))
		if (step_both(v, why) < 0)
			return -1;
	while (archive_file_more(v->file))
		if (advance_file(v, why) < 0)
			return -1;
	if (!v->alone && memcmp(v->in_file.sum, v->in_redis.sum, sizeof v->in_file.sum) != 0)
		differ(v, "the codes ever loaded are others");
	return 0;
}

/* Remembers in the event that this archive has it all. */
static int remember(const struct verifying *v, struct redis *redis, struct fault *why)
{
	struct reply reply = {0};
	char digest[UUID_LEN + 1];
	int result;

	code_digest_text(archive_file_tally(v->file)->digest, digest);
	result = step_once(redis, v->place, "archived", false, &reply, why, v->state.state, digest,
			   NULL);
	if (result == 0 && reply_int(&reply) != 1)
		result = archive_moved(v->place, why);
	reply_release(&reply);
	return result;
}

static int verdict(const struct verifying *v, struct redis *redis, bool there, struct fault *why)
{
	char line[256];

	if (v->faults)
		return fault_set(why, EX_DATAERR,
				 "the archive is faulty: lines with faults: %" PRId64, v->faults);
	if (v->differences)
		return STATUS_NO;
	if (there)
		return remember(v, redis, why);
	snprintf(line, sizeof line, "event '%s' is not there: the archive alone was checked",
		 v->place->name);
	v->control->warn(line);
	return STATUS_YES;
}

int archive_verify(struct redis *redis, const struct place *place, int fd,
		   const struct control *control, struct fault *why)
{
	struct verifying v = {.place = place, .control = control};
	struct archive_head head;
	bool there;
	int result = 0;

	if (archive_file_open_named(fd, place->name, control, &v.file, &head, why) < 0)
		return -1;
	there = archive_state_read(redis, place, &v.state, why) == 0;
	if (!there && !why->no_event)
		result = -1;
	v.alone = !there;
	if (result == 0 && there)
		result = archive_live_open(redis, place, &v.live, why);
	if (result == 0)
		result = check_all(&v, why);
	archive_live_close(&v.live);
	if (result == 0)
		result = verdict(&v, redis, there, why);
	archive_file_close(v.file);
	return result;
}
