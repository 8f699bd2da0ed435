/*
 * pipe.h - the bus without brokers: a record a line. At least once: what was written but not yet
 * marked done is written again by the next run.
 */
#ifndef FCFS_PIPE_H
#define FCFS_PIPE_H

#include "bus.h"

/* The descriptor stays the caller's. NULL: out of memory. */
struct source *pipe_source(int fd);

/* Asked to stop while nobody reads, it gives up after a few seconds (EX_TEMPFAIL). A file that is full
 * is cut back to whole records (EX_IOERR). Whole records to a write, at most PIPE_BUF bytes each, so that a reader never sees a torn one
 * from a killed writer (pipe(7)). */
struct sink *pipe_sink(int fd, const struct control *);

#endif
