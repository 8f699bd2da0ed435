/*
 * report_archive.c - an event as it was when it was saved: what fcfs_show_1 and fcfs_page_1 tell of one
 * in Redis, from an archive's lines, in one pass.
 */
#include "report.h"

#include "archive_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct from_archive {
	struct report_source source;
	struct archive_file *file;
	struct archive_head head;
	int64_t second, joins; /* in the second that is being counted */
	struct report_row row;
};

static void count_join(struct from_archive *from, const struct report_visitor *visitor,
		       int64_t joined_us)
{
	int64_t second = joined_us / 1000000;

	if (from->joins > 0 && second != from->second) {
		if (visitor->second)
			visitor->second(visitor->self, from->joins);
		from->joins = 0;
	}
	from->second = second;
	from->joins += joined_us > 0;
}

/* What stands behind `count` words. */
static const char *behind(const char *text, int count)
{
	while (count-- > 0) {
		text += strcspn(text, " ");
		text += *text == ' ';
	}
	return text;
}

/* ISSUED_US and CODE, where a value has them. */
static void read_code(struct report_row *row, const char *text, bool codes)
{
	row->issued.issued_us = strtoll(text, NULL, 10);
	if (codes)
		snprintf(row->issued.code, sizeof row->issued.code, "%s", behind(text, 1));
}

/* Only up to the ':' is a state a word: behind it stands a run. */
static void read_state(struct report_row *row, const char *text)
{
	snprintf(row->state, sizeof row->state, "%.*s", (int)strcspn(text, " :"), text);
}

/* False: who left while waiting was never granted. */
static bool read_award(struct report_row *row, const struct archive_entry *entry, bool codes)
{
	const char *mark = entry->cell[COLUMN_LEFT].text, *issued = entry->cell[COLUMN_ISSUED].text;
	const char *pending = entry->cell[COLUMN_PENDING].text;

	row->issued.issued_us = 0;
	*row->issued.code = '\0';
	if (*mark) {
		read_state(row, behind(mark, 1));
		if (strcmp(row->state, "waiting") == 0)
			return false;
		strcpy(row->state, strcmp(row->state, "granted") == 0 ? "returned" : "revoked");
	} else if (*issued) {
		strcpy(row->state, "issued");
		read_code(row, behind(issued, 1), codes);
	} else if (*pending) {
		read_state(row, pending);
		read_code(row, behind(pending, 4), false);
	} else {
		strcpy(row->state, "granted");
	}
	return true;
}

static int visit_person(struct from_archive *from, const struct report_visitor *visitor,
			struct event *event, const struct archive_entry *entry, struct fault *why)
{
	struct winner *winner = &from->row.issued.winner;
	int64_t joined_us = entry->cell[COLUMN_JOINED_US].number;

	event->in_line = entry->number;
	event->last_joined_us = joined_us;
	if (entry->number == 1)
		event->first_joined_us = joined_us;
	count_join(from, visitor, joined_us);
	if (entry->number > event->cursor || !visitor->row ||
	    !read_award(&from->row, entry, visitor->codes))
		return 0;
	winner->ticket = entry->number;
	winner->joined_us = joined_us;
	winner->granted_us = entry->cell[COLUMN_GRANTED_US].number;
	snprintf(winner->user, sizeof winner->user, "%s", entry->cell[COLUMN_USER].text);
	return visitor->row(visitor->self, &from->row, why);
}

static int visit_entry(struct from_archive *from, const struct report_visitor *visitor,
		       struct event *event, const struct archive_entry *entry, struct fault *why)
{
	const struct archive_cell *cell = entry->cell;

	switch (entry->section) {
	case ARCHIVE_FIELDS:
	case ARCHIVE_PASSING:
		event_keep(event, cell[0].text, cell[1].text);
		return 0;
	case ARCHIVE_PEOPLE:
		return visit_person(from, visitor, event, entry, why);
	case ARCHIVE_RUNS:
		return visitor->run ? visitor->run(visitor->self, cell->text, cell->len, why) : 0;
	default:
		return 0;
	}
}

/* What no field has. */
static void conclude(const struct from_archive *from, struct event *event)
{
	const int64_t *count = archive_file_tally(from->file)->count;

	strcpy(event->door, "closed");
	event->now_us = from->head.saved_us;
	event->issued_now = count[COUNT_ISSUED];
	event->assigned_now = count[COUNT_PENDING] - event->parked;
	event->codes_left = count[COUNT_CODES];
}

static int read_event(struct report_source *source, const struct report_visitor *visitor,
		      struct event *event, struct fault *why)
{
	struct from_archive *from = (struct from_archive *)source;
	const struct archive_entry *entry;
	int got;

	memset(event, 0, sizeof *event);
	while ((got = archive_file_next(from->file, &entry, why)) > 0)
		if (visit_entry(from, visitor, event, entry, why) < 0)
			return -1;
	count_join(from, visitor, 0);
	conclude(from, event);
	return got;
}

static void close_source(struct report_source *source)
{
	archive_file_close(((struct from_archive *)source)->file);
	free(source);
}

struct report_source *report_from_archive(int fd, const struct control *control, struct fault *why)
{
	struct from_archive *from = calloc(1, sizeof *from);

	if (!from)
		return fault_errno(why, EX_OSERR, "report"), NULL;
	if (archive_file_open(fd, control, &from->file, &from->head, why) < 0) {
		free(from);
		return NULL;
	}
	from->source.read = read_event;
	from->source.close = close_source;
	strcpy(from->source.event, from->head.event);
	strcpy(from->row.issued.winner.event, from->head.event);
	strcpy(from->row.issued.winner.id, from->head.id);
	return &from->source;
}
