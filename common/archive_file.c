#include "archive_file.h"

#include "pipe.h"
#include "record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES = 500 };

struct archive_file {
	const struct control *control;
	struct source *source;
	struct incoming lines[LINES];
	size_t taken, next;
	int64_t number; /* of the last line */
	bool ended;	/* its last line, or its end, was met */
	struct archive_line line;
	struct archive_tally tally;
	/* what the next entry must follow */
	enum archive_section section;
	int64_t entries; /* in this section */
	int64_t joined_us, granted_us;
	bool ungranted; /* nobody behind this was granted */
	char name[128]; /* of the last field */
};

/* A fault of the last line. */
static int faulty(const struct archive_file *file, const struct fault *bad, struct fault *why)
{
	struct fault line = *bad;

	return fault_set(why, EX_DATAERR, "line %" PRId64 ": %s", file->number, line.line);
}

/* NULL where there is none: the end, or -1 in *result. */
static const struct incoming *next_line(struct archive_file *file, int *result, struct fault *why)
{
	int got;

	*result = 0;
	if (file->next < file->taken)
		return &file->lines[file->next++];
	got = file->source->take(file->source, file->lines, LINES, file->control, why);
	if (got >= 0 && file->control->stopping())
		got = fault_set(why, EX_TEMPFAIL, "stopped by a signal");
	if (got <= 0) {
		*result = got;
		return NULL;
	}
	file->taken = (size_t)got;
	file->next = 1;
	return &file->lines[0];
}

/* Archives are kept as gzip(1) makes them: who is in a hurry gives one as it is. */
static bool is_compressed(const struct incoming *line)
{
	return line->number == 1 && line->len > 1 && memcmp(line->bytes, "\x1f\x8b", 2) == 0;
}

/* 1 a line was read into file->line, 0 there is no more, -1. */
static int read_line(struct archive_file *file, struct fault *why)
{
	struct fault bad;
	int result;
	const struct incoming *line = next_line(file, &result, why);

	if (!line) {
		file->ended = true;
		return result;
	}
	file->number = line->number;
	if (is_compressed(line)) {
		fault_set(&bad, EX_DATAERR, "it is compressed: gzip -dc it first");
		return faulty(file, &bad, why);
	}
	if (archive_read_line(line->bytes, line->len, &file->line, &bad) < 0)
		return faulty(file, &bad, why);
	return 1;
}

/* The last line. */
static void count(struct archive_file *file, const struct archive_entry *entry)
{
	const struct incoming *line = &file->lines[file->next - 1];

	archive_tally_add(&file->tally, entry, line->bytes, line->len);
}

int archive_file_open(int fd, const struct control *control, struct archive_file **file,
		      struct archive_head *head, struct fault *why)
{
	struct archive_file *f = calloc(1, sizeof *f);
	struct fault bad;
	int got = -1;

	*file = NULL;
	if (!f)
		return fault_errno(why, EX_OSERR, "archive");
	f->control = control;
	if (pipe_source(fd, &f->source, why) == 0)
		got = read_line(f, why);
	if (got == 0 || (got > 0 && f->line.kind != ARCHIVE_HEAD)) {
		f->number = 1;
		fault_set(&bad, EX_DATAERR, "not the first line of an archive");
		got = faulty(f, &bad, why);
	}
	if (got < 0) {
		archive_file_close(f);
		return -1;
	}
	*head = f->line.head;
	count(f, NULL);
	*file = f;
	return 0;
}

int archive_file_open_named(int fd, const char *event, const struct control *control,
			    struct archive_file **file, struct archive_head *head,
			    struct fault *why)
{
	if (archive_file_open(fd, control, file, head, why) < 0)
		return -1;
	if (strcmp(head->event, event) == 0)
		return 0;
	archive_file_close(*file);
	return fault_set(why, EX_DATAERR, "line 1: an archive of event '%s'", head->event);
}

void archive_file_close(struct archive_file *file)
{
	if (!file)
		return;
	if (file->source)
		file->source->close(file->source);
	archive_line_release(&file->line);
	free(file);
}

/* --- the order -------------------------------------------------------------------------------- */

static int check_person(struct archive_file *file, const struct archive_entry *entry,
			struct fault *why)
{
	int64_t due = file->entries + 1, joined_us = entry->cell[COLUMN_JOINED_US].number;
	int64_t granted_us = entry->cell[COLUMN_GRANTED_US].number;
	int64_t joined_before = file->joined_us, granted_before = file->granted_us;
	bool ungranted = file->ungranted;

	file->entries = entry->number;
	file->joined_us = joined_us;
	file->granted_us = granted_us;
	file->ungranted = granted_us == 0;
	if (entry->number != due)
		return fault_set(why, EX_DATAERR, "ticket %" PRId64 ", where %" PRId64 " is due",
				 entry->number, due);
	if (joined_us <= joined_before)
		return fault_set(why, EX_DATAERR, "joined_us is not later than in the line before");
	if (granted_us && (granted_us < granted_before || ungranted))
		return fault_set(why, EX_DATAERR, "granted_us is out of order");
	return 0;
}

static int check_field(struct archive_file *file, const struct archive_entry *entry,
		       struct fault *why)
{
	bool later = strcmp(entry->cell[0].text, file->name) > 0;

	file->entries++;
	snprintf(file->name, sizeof file->name, "%s", entry->cell[0].text);
	return later ? 0 : fault_set(why, EX_DATAERR, "field '%.32s' is out of order", file->name);
}

static int check_order(struct archive_file *file, struct archive_entry *entry, struct fault *why)
{
	if (entry->section < file->section)
		return fault_set(why, EX_DATAERR, "a '%s' behind a '%s'",
				 archive_shapes[entry->section].type,
				 archive_shapes[file->section].type);
	if (entry->section != file->section) {
		file->section = entry->section;
		file->entries = 0;
		*file->name = '\0';
	}
	if (entry->section == ARCHIVE_PEOPLE)
		return check_person(file, entry, why);
	if (entry->section == ARCHIVE_FIELDS || entry->section == ARCHIVE_PASSING)
		return check_field(file, entry, why);
	file->entries++;
	return 0;
}

/* --- the end ---------------------------------------------------------------------------------- */

/* Behind the last line there is nothing. */
static int check_end(struct archive_file *file, struct fault *why)
{
	char digest[UUID_LEN + 1];
	struct fault bad;
	int result;

	for (int i = 0; i < ARCHIVE_COUNTS; i++)
		if (file->line.count[i] != file->tally.count[i]) {
			fault_set(&bad, EX_DATAERR,
				  "it counts %" PRId64 " %s, and there are %" PRId64,
				  file->line.count[i], archive_count_name(i), file->tally.count[i]);
			return faulty(file, &bad, why);
		}
	code_digest_text(file->tally.digest, digest);
	if (strcmp(digest, file->line.digest) != 0) {
		fault_set(&bad, EX_DATAERR, "the digest is another: a line is not as it was saved");
		return faulty(file, &bad, why);
	}
	if (next_line(file, &result, why)) {
		file->number++;
		fault_set(&bad, EX_DATAERR, "the archive has ended before");
		return faulty(file, &bad, why);
	}
	return result;
}

static int cut_off(const struct archive_file *file, struct fault *why)
{
	return fault_set(why, EX_DATAERR, "line %" PRId64 ": the archive is cut off: it has no end",
			 file->number + 1);
}

int archive_file_next(struct archive_file *file, const struct archive_entry **entry,
		      struct fault *why)
{
	struct fault bad;
	int got = read_line(file, why);

	if (got < 0)
		return -1;
	if (got == 0)
		return cut_off(file, why);
	if (file->line.kind == ARCHIVE_END) {
		file->ended = true;
		return check_end(file, why);
	}
	if (file->line.kind == ARCHIVE_HEAD) {
		fault_set(&bad, EX_DATAERR, "an archive begins in an archive");
		return faulty(file, &bad, why);
	}
	*entry = &file->line.entry;
	got = check_order(file, &file->line.entry, &bad);
	file->line.entry.number = file->entries;
	count(file, &file->line.entry);
	return got < 0 ? faulty(file, &bad, why) : 1;
}

bool archive_file_more(const struct archive_file *file)
{
	return !file->ended;
}

const struct archive_tally *archive_file_tally(const struct archive_file *file)
{
	return &file->tally;
}
