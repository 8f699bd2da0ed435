/*
 * dead_file.h - where a pipe's dead letters go: a file of JSON lines, mode 0600, appended to.
 *
 *   {"type":"dead","error_class":KIND,"error_message":TEXT,"attempts":N,"first_failure_us":T,
 *    "last_failure_us":T,"original_topic":"-","original_partition":-1,"original_offset":LINE,
 *    "replays":N,"run":UUID,"value":TEXT}
 *
 * The value is the record as it came; "value_base64" where it is no text of UTF-8, and cut to its first
 * DEAD_VALUE_MAX bytes, with "truncated":LENGTH, where it is longer.
 *
 * Lines are whole and durable when dead_file_sync returns: before that a killed writer may leave a part
 * of one, which the next to write ends. It is written under a lock (flock), and to the file that has
 * the name at that time: it may be moved away meanwhile. Who locks a file that was moved reads all that
 * ever goes into it.
 */
#ifndef FCFS_DEAD_FILE_H
#define FCFS_DEAD_FILE_H

#include "bus.h"

struct dead_file;

/* Makes the file where there is none. EX_CONFIG where it cannot be opened. */
int dead_file_open(const char *path, struct dead_file **, struct fault *why);
void dead_file_close(struct dead_file *); /* NULL is fine; what was not synced is dropped */

int dead_file_put(struct dead_file *, const struct cause *, struct fault *why);

/* Writes all that was put. EX_IOERR: it cannot be told how much is there; what was put stays put. */
int dead_file_sync(struct dead_file *, struct fault *why);

#endif
