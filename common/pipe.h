/*
 * pipe.h - the bus without brokers: a record a line. At least once: what was written but not yet
 * marked done is written again by the next run.
 */
#ifndef FCFS_PIPE_H
#define FCFS_PIPE_H

#include "bus.h"

/* The descriptors stay the caller's. EX_OSERR: out of memory. */
int pipe_source(int fd, struct source **, struct fault *why);

/* Asked to stop while nobody reads, it gives up after a few seconds (EX_TEMPFAIL). A file that is
 * full is cut back to whole records (EX_IOERR). Whole records to a write, at most PIPE_BUF bytes
 * each, so that a reader never sees a torn one from a killed writer (pipe(7)). */
int pipe_sink(int fd, const struct control *, struct sink **, struct fault *why);

struct dead_file;

/* Dead letters go to this file from now on, before all else that is committed with them; the sink closes
 * it. Without one they are dropped. */
void pipe_sink_dead(struct sink *, struct dead_file *);

/* The dispatcher's: each event's sink writes to the descriptor. */
int pipe_bus(int fd, const struct control *, struct bus **, struct fault *why);

#endif
