/*
 * issue.h - gives each winner a code: the loop behind fcfs-issue.
 *
 * A chunk: take -> parse -> assign (Redis) -> keep (ledger) -> put, flush (records) -> done (Redis).
 *
 * Dying between any two, and running again over the same winners (P5, P8):
 *   - before assign: nothing has happened;
 *   - after assign: the code is pending; assign gives the same one, with the same issued_us;
 *   - after the ledger's commit: its row is found there again;
 *   - after flush: the record is written a second time, byte for byte the same (key: event, ticket);
 *   - after done: assign says `already`, nothing is written.
 * What Redis forgot and the ledger kept is the ledger's to say: Redis adopts it.
 *
 * Each record ends as one of done, already, refused (left meanwhile) or dead (malformed, or of no
 * such event, id, ticket or person): in = done + already + refused + dead (P7).
 */
#ifndef FCFS_ISSUE_H
#define FCFS_ISSUE_H

#include "award.h"
#include "bus.h"
#include "ledger.h"

enum { ISSUE_CHUNK = 100 };

struct issue {
	struct redis *redis;
	struct source *source;
	struct sink *sink;
	struct ledger *ledger; /* NULL: none */
	const struct control *control;
	const char *prefix;
	size_t chunk; /* 1..AWARD_MAX */
};

/* Until the source ends or control says to stop. STATUS_YES, EX_DATAERR where a record was dead, or -1. */
int issue_run(const struct issue *, struct fault *why);

#endif
