/*
 * redrive.h - dead letters are made winners' records again: the loop behind fcfs-issue --redrive.
 *
 *   each letter:  read --> met by the filter? --> dead? --> within the limit? --> replay
 *                              | no                | no            | no             |
 *                             kept        redriven before, final  kept        commit, in batches
 *
 * A batch is one transaction: the records, and which letters they were. Dying before its commit
 * nothing has happened; after it the letters are marked, and the next run passes them. So a letter
 * is replayed once, whatever dies; a pipe writes it again when its reader is run again, and the
 * issuer then finds it issued.
 * A record that fails again is another letter, which says how often it was replayed: that is
 * capped (LETTER_REPLAYS_MAX), so that nothing goes round for ever.
 *
 * Each letter is counted once: in = redriven + before + final + kept + bad.
 */
#ifndef FCFS_REDRIVE_H
#define FCFS_REDRIVE_H

#include "control.h"
#include "mailbox.h"

struct redrive {
	struct mailbox *mailbox;
	const struct match *match; /* all must be met */
	size_t matches;
	int64_t limit; /* replay so many at most */
	const struct control *control;
	/* NULL: replays them. Else is told of those that would be, and nothing changes. */
	int (*show)(void *self, const struct letter *, struct fault *why);
	void *show_self;
};

struct redrive_counts {
	int64_t in;
	int64_t redriven;
	int64_t before; /* replayed by an earlier run */
	int64_t final;	/* replayed too often, or cannot be */
	int64_t kept;	/* not meant, or beyond the limit */
	int64_t bad;	/* lines that are no dead letters */
};

/* 0 when all letters were looked at; -1: EX_TEMPFAIL where another redrive has taken our place, or a
 * signal asked to stop, after what was begun by then. The counts are what is committed. */
int redrive_run(const struct redrive *, struct redrive_counts *, struct fault *why);

#endif
