/*
 * issue.h - gives each winner a code: the loop behind fcfs-issue.
 *
 * A chunk: take -> parse -> assign (Redis) -> keep (ledger) -> put, commit (the bus, with what was
 * taken) -> done (Redis). While a chunk's commit is under way the next is taken, assigned and kept:
 *
 *   chunk 1   take assign keep | put commit ...... settle | done
 *   chunk 2                                  take assign keep | put commit ...... settle | done
 *
 * Dying between any two, and running again over the same winners (P5, P8):
 *   - before assign: nothing has happened;
 *   - after assign: the code is pending; assign gives the same one, with the same issued_us;
 *   - after the ledger's commit: its row is found there again;
 *   - after the bus's commit: a pipe's record is written a second time, byte for byte the same (key:
 *     event, ticket); from Kafka the winner does not come again: whoever gets its partition next
 *     finds it pending, below the committed offset, and marks it done;
 *   - after done: assign says `already`, nothing is written.
 * A commit that fails, or whose partitions went to another issuer: all that was not committed is
 * forgotten here, and taken again, by whoever has the partition now.
 * What Redis forgot and the ledger kept is the ledger's to say: Redis adopts it.
 *
 * Each record ends as one of done, already, refused (left meanwhile) or dead (malformed, or of no
 * such event, id, ticket or person): in = done + already + refused + dead (P7), counted when it is
 * out.
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
	const char *bus; /* "pipe", "kafka": whose events these are */
	const char *prefix;
	size_t chunk; /* 1..AWARD_MAX */
};

/* Until the source ends or control says to stop. STATUS_YES, EX_DATAERR where a record was dead, or -1. */
int issue_run(const struct issue *, struct fault *why);

#endif
