/*
 * issue.h - gives each winner a code: the loop behind fcfs-issue.
 *
 * A chunk's steps:
 *
 *   take     from the bus, and read
 *   ask      a code of each in Redis: pending, assigned; its answer is left under way
 *   keep     the answer is there: rows in the ledger, one transaction; its commit is left under way
 *   deliver  to the command, outside any transaction of Kafka; the partitions are tended meanwhile
 *   confirm  in Redis, that what was delivered or refused is this run's to issue or give up
 *   mark     in the ledger: delivered, or parked; committed when it is confirmed
 *   put      issued records and dead letters
 *   commit   the bus, with what was taken
 *   done     in Redis: issued; or park: pending, parked
 *
 * Several chunks turn, and those that are ready together are kept, and go out, with one commit: turns.h.
 *
 * Dying between any two, and running again over the same winners (P5, P8), finds
 *   - before ask: nothing has happened;
 *   - after ask: the code is pending; asking again gives the same one, with the same issued_us;
 *   - after keep: its row is found there again;
 *   - after deliver: the command is given it again, and knows it by its id and ticket;
 *   - after confirm: chunk_confirm.c;
 *   - after mark: what was delivered is not delivered again; what was parked in the ledger alone is
 *     issued there again, and delivered again;
 *   - after the bus's commit: a pipe's issued record is written a second time, byte for byte the same
 *     (key: id, ticket), and its dead letter, too, after another delivery; from Kafka the winner does
 *     not come again: whoever gets its partition next finds it pending, below the committed offset, asks
 *     the dead letters, and marks it done or parked (takeover.h);
 *   - after done: asking says `already`, nothing is written; after park it says `parked`, until its dead
 *     letter is sent again or an operator revokes it, and the slot goes to the next in line (P4).
 * A commit that fails, or partitions that went to another issuer, also during a delivery: all that was
 * not committed, of each chunk, is forgotten here, and taken again, by whoever has the partition now.
 * What Redis forgot and the ledger kept is the ledger's to say: Redis adopts it.
 *
 * Each record ends as one of done, already, refused (left meanwhile, or parked) or dead (malformed, of no
 * such event, id, ticket or person, or not to be delivered): in = done + already + refused + dead (P7),
 * counted when it is out.
 */
#ifndef FCFS_ISSUE_H
#define FCFS_ISSUE_H

#include "award.h"
#include "bus.h"
#include "deliver.h"
#include "ledger.h"
#include "retry.h"

enum { ISSUE_CHUNK = 100 };

struct issue {
	struct redis *redis;
	struct source *source;
	struct sink *sink;
	struct ledger *ledger;	 /* NULL: none */
	struct deliver *deliver; /* NULL: nothing is delivered */
	struct retry retry;	 /* of the ledger's transactions */
	int64_t skip_limit;	 /* ends the run after more dead records than that; -1: never */
	const struct control *control;
	const char *bus; /* "pipe", "kafka": whose events these are */
	const char *prefix;
	bool exclusive; /* alone, among those that say so: EX_TEMPFAIL where another run is at it */
	size_t chunk;	/* 1..AWARD_MAX */
};

/* Until the source ends or control says to stop. STATUS_YES, EX_DATAERR where a record was dead, STATUS_NO
 * where there were more of them than skip_limit, or -1. */
int issue_run(const struct issue *, struct fault *why);

#endif
