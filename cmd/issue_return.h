/*
 * issue_return.h - fcfs-issue --return-dead: the slots of what was given up go to the next in line.
 */
#ifndef FCFS_ISSUE_RETURN_H
#define FCFS_ISSUE_RETURN_H

#include "fault.h"

/* run: a run's UUID, or "all". events: their names, NULL-terminated; none is all of them. ledger: its
 * URL, where the rows become `returned`; NULL: none. Prints EVENT RETURNED of each event that had some.
 * 0, STATUS_NO where none had, or -1. */
int return_dead(const char *run, char **events, const char *ledger, struct fault *why);

#endif
