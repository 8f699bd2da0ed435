/*
 * issue_redrive.h - fcfs-issue --redrive: its options, its verb.
 */
#ifndef FCFS_ISSUE_REDRIVE_H
#define FCFS_ISSUE_REDRIVE_H

#include "letter.h"

/* The letters of its options, beyond those of the others. */
enum { REDRIVE = 1100, REDRIVE_DRY_RUN, REDRIVE_MATCH, REDRIVE_LIMIT, REDRIVE_END };

enum { REDRIVE_MATCHES = 16 };

struct redrive_request {
	bool wanted;   /* --redrive */
	bool refining; /* one of the others */
	bool dry_run;
	struct match match[REDRIVE_MATCHES];
	size_t matches;
	int64_t limit;
};

/* One of its options: 0, or -1 with EX_USAGE. */
int redrive_take(struct redrive_request *, int letter, const char *value, struct fault *why);

/* Replays, or shows what would be, and says the counts: 0, STATUS_NO where there was nothing to replay,
 * EX_DATAERR where a line was no dead letter, or -1. */
int redrive(const struct redrive_request *, struct fault *why);

#endif
