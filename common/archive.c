#include "archive.h"

#include "archive_file.h"
#include "archive_live.h"
#include "archive_restore.h"
#include "event.h"
#include "record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 65536 };

int archive_moved(const struct place *place, struct fault *why)
{
	return fault_set(why, EX_TEMPFAIL, "event '%s' changed meanwhile: try again", place->name);
}

/* --- save ------------------------------------------------------------------------------------- */

struct saving {
	const struct place *place;
	const struct archive_out *out;
	const struct control *control;
	struct buffer chunk, line;
	struct archive_tally tally;
};

static void say_open(struct buffer *said, int64_t count, const char *what)
{
	if (count <= 0)
		return;
	buffer_text(said, said->len ? ", " : "");
	buffer_int(said, count);
	buffer_text(said, what);
}

static int check_closed(const struct place *place, const struct archive_state *s, int64_t ended_ms,
			const struct control *control)
{
	char line[256];

	if (!s->ended_us) {
		snprintf(line, sizeof line,
			 "event '%s' is not closed: fcfs-event set %s --state closed", place->name,
			 place->name);
		control->complain(line);
		return STATUS_NO;
	}
	if (s->now_us - s->ended_us >= ended_ms * 1000)
		return STATUS_YES;
	snprintf(line, sizeof line, "event '%s' has not been closed for so long", place->name);
	control->note(line);
	return STATUS_NO;
}

static int check_drained(const struct place *place, const struct archive_state *s,
			 const struct control *control)
{
	struct buffer open = {0};
	char line[512];
	int result = STATUS_YES;

	say_open(&open, s->unissued, " granted and not issued");
	say_open(&open, s->winnable, " still to be granted");
	say_open(&open, s->requests, " requests not in Kafka yet");
	say_open(&open, s->winners, " tickets not in Kafka yet");
	say_open(&open, s->decisions, " decisions not in Kafka yet");
	if (open.len) {
		snprintf(line, sizeof line,
			 "event '%s' has not ended: %.*s: run fcfs-dispatch and fcfs-issue",
			 place->name, (int)open.len, open.bytes);
		control->complain(line);
		result = STATUS_NO;
	}
	buffer_release(&open);
	return result;
}

static int flush_chunk(struct saving *s, size_t most, struct fault *why)
{
	if (s->chunk.failed || s->line.failed)
		return fault_set(why, EX_OSERR, "out of memory");
	if (s->chunk.len <= most)
		return 0;
	if (s->out->write(s->out->self, s->chunk.bytes, s->chunk.len, why) < 0)
		return -1;
	buffer_clear(&s->chunk);
	if (s->control->stopping())
		return fault_set(why, EX_TEMPFAIL,
				 "stopped by a signal: the archive is cut off, remove it");
	return 0;
}

static void add_line(struct saving *s)
{
	buffer_add(&s->chunk, s->line.bytes, s->line.len);
	buffer_add(&s->chunk, "\n", 1);
	buffer_clear(&s->line);
}

static int save_entry(struct saving *s, const struct archive_entry *entry, struct fault *why)
{
	archive_write_entry(&s->line, entry);
	if (s->line.len > RECORD_MAX)
		return fault_set(why, EX_DATAERR,
				 "event '%s': number %" PRId64
				 " of its %ss is longer than %d bytes",
				 s->place->name, entry->number, archive_shapes[entry->section].type,
				 RECORD_MAX);
	archive_tally_add(&s->tally, entry, s->line.bytes, s->line.len);
	add_line(s);
	if (entry->section == ARCHIVE_PEOPLE)
		s->control->progress(entry->number);
	return flush_chunk(s, CHUNK, why);
}

static int save_entries(struct saving *s, struct redis *redis, struct fault *why)
{
	struct archive_live live;
	const struct archive_entry *entry;
	int got = archive_live_open(redis, s->place, &live, why);

	if (got == 0)
		got = 1;
	while (got > 0) {
		got = archive_live_next(&live, &entry, why);
		if (got > 0 && save_entry(s, entry, why) < 0)
			got = -1;
	}
	archive_live_close(&live);
	return got;
}

/* The counts of what was read are those of the keys, but for the runs, which move. */
static int check_counts(const struct saving *s, const struct archive_state *state,
			struct fault *why)
{
	for (int i = 0; i < COUNT_RUNS; i++)
		if (s->tally.count[i] != state->count[i])
			return fault_set(why, EX_SOFTWARE,
					 "event '%s': its keys contradict each other: %" PRId64
					 " %s, and %" PRId64 " of them in line",
					 s->place->name, state->count[i], archive_count_name(i),
					 s->tally.count[i]);
	return 0;
}

static int save_end(struct saving *s, struct redis *redis, const struct archive_state *begin,
		    struct fault *why)
{
	struct archive_state end;
	char digest[UUID_LEN + 1];

	if (archive_state_read(redis, s->place, &end, why) < 0)
		return -1;
	if (strcmp(begin->state, end.state) != 0)
		return archive_moved(s->place, why);
	if (check_counts(s, &end, why) < 0)
		return -1;
	code_digest_text(s->tally.digest, digest);
	archive_write_end(&s->line, s->tally.count, digest);
	add_line(s);
	return flush_chunk(s, 0, why);
}

static void say_parked(const struct place *place, const struct archive_state *state,
		       const struct control *control)
{
	char line[256];

	snprintf(line, sizeof line, "event '%s': parked, and saved as they are: %" PRId64,
		 place->name, state->parked);
	if (state->parked > 0)
		control->warn(line);
}

int archive_save(struct redis *redis, const struct place *place, int64_t ended_ms,
		 const struct archive_out *out, const struct control *control, struct fault *why)
{
	struct saving s = {.place = place, .out = out, .control = control};
	struct archive_head head = {0};
	struct archive_state state;
	int result = archive_state_read(redis, place, &state, why);

	if (result == 0)
		result = check_closed(place, &state, ended_ms, control);
	if (result == 0)
		result = check_drained(place, &state, control);
	if (result != 0)
		return result;
	say_parked(place, &state, control);
	strcpy(head.event, place->name);
	strcpy(head.id, state.id);
	head.saved_us = state.now_us;
	archive_write_head(&s.line, &head);
	archive_tally_add(&s.tally, NULL, s.line.bytes, s.line.len);
	add_line(&s);
	result = save_entries(&s, redis, why);
	if (result == 0)
		result = save_end(&s, redis, &state, why);
	buffer_release(&s.chunk);
	buffer_release(&s.line);
	return result;
}

/* --- restore ---------------------------------------------------------------------------------- */

static int restore_entries(struct restore *restore, struct archive_file *file,
			   const struct control *control, struct fault *why)
{
	const struct archive_entry *entry;
	int got;

	while ((got = archive_file_next(file, &entry, why)) > 0) {
		if (restore_add(restore, entry, why) < 0)
			return -1;
		if (entry->section == ARCHIVE_PEOPLE)
			control->progress(entry->number);
	}
	return got;
}

/* 1, 0: there is such an event by now, -1. */
static int restore_all(struct restore *restore, struct archive_file *file,
		       const struct control *control, struct fault *why)
{
	int result = restore_entries(restore, file, control, why);

	if (result == 0)
		result = restore_end(restore, archive_file_tally(file)->count, why);
	if (result <= 0)
		restore_drop(restore);
	return result;
}

int archive_restore(struct redis *redis, const char *prefix, const struct place *place, int fd,
		    const struct control *control, struct fault *why)
{
	struct archive_file *file;
	struct archive_head head;
	struct restore restore;
	char line[256];
	int result;

	if (archive_file_open_named(fd, place->name, control, &file, &head, why) < 0)
		return -1;
	result = restore_open(redis, place, "", &restore, why);
	if (result > 0)
		result = event_name_add(redis, prefix, place, why) < 0 ? -1 : 1;
	if (result > 0)
		result = restore_all(&restore, file, control, why);
	if (result > 0)
		result = event_name_keep(redis, prefix, place, why) < 0 ? -1 : 1;
	restore_close(&restore);
	archive_file_close(file);
	snprintf(line, sizeof line, "event '%s' exists: purge it, or keep it", place->name);
	if (result == 0)
		control->complain(line);
	return result > 0 ? STATUS_YES : result == 0 ? STATUS_NO : -1;
}

/* --- purge ------------------------------------------------------------------------------------ */

enum { PURGED, ABSENT, UNVERIFIED, CHANGED, PURGES };

/* One of these, or -1. */
static int purge_step(struct redis *redis, const struct place *place, bool force, struct fault *why)
{
	static const char *const SAYS[PURGES] = {[PURGED] = "purged",
						 [ABSENT] = "absent",
						 [UNVERIFIED] = "unverified",
						 [CHANGED] = "changed"};
	struct reply reply = {0};
	int result = step_once(redis, place, "purge", false, &reply, why, force ? "1" : "0", NULL);

	if (result == 0) {
		result = (int)reply_word(&reply, SAYS, PURGES);
		if (reply_check(&reply, place->event_key, why) < 0)
			result = -1;
	}
	reply_release(&reply);
	return result;
}

int archive_purge(struct redis *redis, const char *prefix, const struct place *place, bool force,
		  const struct control *control, struct fault *why)
{
	struct archive_state state;
	char line[256];
	bool there = archive_state_read(redis, place, &state, why) == 0;
	int answer;

	if (!there && !why->no_event)
		return -1;
	answer = purge_step(redis, place, force, why);
	if (answer < 0)
		return -1;
	if (answer == UNVERIFIED || answer == CHANGED) {
		snprintf(line, sizeof line, "event '%s' %s: save and verify it, or say --force",
			 place->name,
			 answer == UNVERIFIED ? "is in no verified archive"
					      : "has changed since its archive was verified");
		control->complain(line);
		return STATUS_NO;
	}
	if (event_name_drop(redis, prefix, place, why) < 0)
		return -1;
	snprintf(line, sizeof line, "event '%s': no such event", place->name);
	if (there) /* and purged now: by this call, or by one whose answer was lost */
		return STATUS_YES;
	control->complain(line);
	return STATUS_NO;
}
