/*
 * archive_file.h - an archive read line by line, each one checked: what it is, its place in the order,
 * and at the end the counts and the digest. Bounded memory, whatever comes in.
 */
#ifndef FCFS_ARCHIVE_FILE_H
#define FCFS_ARCHIVE_FILE_H

#include "archive_record.h"
#include "control.h"

struct archive_file;

/* Reads the first line into head. The descriptor stays the caller's. */
int archive_file_open(int fd, const struct control *, struct archive_file **, struct archive_head *,
		      struct fault *why);

/* The same; EX_DATAERR where it is another event's. */
int archive_file_open_named(int fd, const char *event, const struct control *,
			    struct archive_file **, struct archive_head *, struct fault *why);
void archive_file_close(struct archive_file *); /* NULL is fine */

/* The next entry, which lives until the next call: 1, 0 at the end (the last line was there and was
 * right), or -1: EX_DATAERR with the line's number, behind which one may go on, or EX_IOERR,
 * EX_TEMPFAIL (a signal). */
int archive_file_next(struct archive_file *, const struct archive_entry **, struct fault *why);

/* May one go on, or was the end met? */
bool archive_file_more(const struct archive_file *);

const struct archive_tally *archive_file_tally(const struct archive_file *);

#endif
