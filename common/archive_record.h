/*
 * archive_record.h - the lines of an archive: what is in them, written and read by one table.
 */
#ifndef FCFS_ARCHIVE_RECORD_H
#define FCFS_ARCHIVE_RECORD_H

#include "buffer.h"
#include "code.h"
#include "fault.h"
#include "name.h"

enum archive_section {
	ARCHIVE_FIELDS,
	ARCHIVE_PASSING,
	ARCHIVE_PEOPLE,
	ARCHIVE_OUTBOX,
	ARCHIVE_CODES,
	ARCHIVE_LOADED,
	ARCHIVE_RUNS,
	ARCHIVE_SECTIONS
};

/* The columns of people. */
enum {
	COLUMN_USER,
	COLUMN_JOINED_US,
	COLUMN_GRANTED_US,
	COLUMN_LEFT,
	COLUMN_ISSUED,
	COLUMN_PENDING
};

/* What the last line counts, as archive.lua's counts do. */
enum archive_count {
	COUNT_FIELDS,
	COUNT_PASSING,
	COUNT_PEOPLE,
	COUNT_LEFT,
	COUNT_GRANTS,
	COUNT_ISSUED,
	COUNT_PENDING,
	COUNT_OUTBOX,
	COUNT_CODES,
	COUNT_LOADED,
	COUNT_RUNS,
	ARCHIVE_COUNTS
};

enum { ARCHIVE_COLUMNS = 6 };

struct archive_column {
	const char *name;
	bool number;
	bool optional; /* "" or 0: there is none */
};

struct archive_shape {
	const char *type;    /* of the record */
	const char *section; /* as the steps call it */
	struct archive_column column[ARCHIVE_COLUMNS + 1];
	size_t columns;
};

extern const struct archive_shape archive_shapes[ARCHIVE_SECTIONS];

struct archive_head {
	char event[EVENT_MAX + 1];
	char id[UUID_LEN + 1];
	int64_t saved_us; /* the server's clock */
};

/* One line between the first and the last. */
struct archive_entry {
	enum archive_section section;
	int64_t number; /* of the entry in its section, from 1: a person's ticket */
	struct archive_cell {
		const char *text; /* with a NUL behind it; NULL in a number */
		size_t len;
		int64_t number;
	} cell[ARCHIVE_COLUMNS];
};

/* Each appends its line, without a newline. */
void archive_write_head(struct buffer *, const struct archive_head *);
void archive_write_entry(struct buffer *, const struct archive_entry *);
void archive_write_end(struct buffer *, const int64_t count[ARCHIVE_COUNTS], const char *digest);

/* A line that was read. init with {0}. */
struct archive_line {
	enum archive_kind { ARCHIVE_HEAD, ARCHIVE_ENTRY, ARCHIVE_END } kind;
	struct archive_head head;
	struct archive_entry entry; /* its text lives until the next line */
	int64_t count[ARCHIVE_COUNTS];
	char digest[UUID_LEN + 1];
	void *object;
	struct buffer decoded[ARCHIVE_COLUMNS]; /* of hex */
};

/* Reads a line (no newline, any bytes at all). -1 with EX_DATAERR and what is wrong. The numbers of
 * entries other than people are left 0: the line does not have them. */
int archive_read_line(const char *bytes, size_t len, struct archive_line *, struct fault *why);
void archive_line_release(struct archive_line *);

/* Counts and digest of the lines so far. init with {0}. */
struct archive_tally {
	int64_t count[ARCHIVE_COUNTS];
	int64_t granted_us; /* of the last person */
	unsigned char digest[CODE_DIGEST];
};

/* The entry is NULL for the first line. */
void archive_tally_add(struct archive_tally *, const struct archive_entry *, const char *line,
		       size_t len);

/* "passing", "people", ...: what a count is of. */
const char *archive_count_name(enum archive_count);

#endif
