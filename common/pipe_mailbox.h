/*
 * pipe_mailbox.h - dead letters as lines: what --dead-letters of fcfs-issue wrote comes in, winners
 * that say how often they were replayed go out. Nothing keeps which were: the file is the
 * operator's. A line that is no dead letter is complained of, and visited as LETTER_BAD.
 */
#ifndef FCFS_PIPE_MAILBOX_H
#define FCFS_PIPE_MAILBOX_H

#include "mailbox.h"

/* The descriptors stay the caller's. Only a winner's record can be replayed here: other bytes could
 * not say how often they were. EX_OSERR: out of memory. */
int pipe_mailbox(int from, int to, const struct control *, struct mailbox **, struct fault *why);

#endif
