/*
 * ledger.h - what was issued, kept outside Redis: exactly one row a (event id, ticket).
 *
 * Tables: `issued` (id, event, ticket, "user", code, joined_us, granted_us, issued_us, delivered_us,
 * state; unique on id + ticket, on id + code, and on id + user among the live rows, those that are
 * not returned), `runs` (the fields of run.h, keyed by run + id + event), `meta` (schema version).
 * A row's life, all of it marks on a row that stays:
 *
 *               mark               mark
 *   (keep) ---> issued ----------> parked      given up, out as a dead letter
 *                |  ^---------------+  |       kept again: it is being issued anew
 *                | mark: delivered_us  | mark
 *                +--> returned <-------+       revoked; its code stays taken
 *
 * URL: sqlite:PATH (made on first use, mode 0600, WAL, synchronous FULL, waits 5 s for another
 * writer), or postgresql://HOST/DATABASE, as libpq reads it but without a password (synchronous_commit
 * on; where the build has libpq). An older schema is brought up to date when it is opened, in one
 * transaction; one newer than this build knows is refused (EX_CONFIG).
 *
 * All rows of a chunk are kept, or marked, in one transaction: ledger_begin, ledger_keep ...,
 * ledger_commit. Most of what it takes is the commit: pages written, and the disk waited for. It may go
 * on in a thread of its own: ledger_commit_post ..., ledger_commit_settle. A process killed before commit
 * leaves nothing; where it is not known whether a commit was done, keeping or marking the same again
 * changes nothing (P5, P8).
 */
#ifndef FCFS_LEDGER_H
#define FCFS_LEDGER_H

#include "fault.h"
#include "record.h"
#include "run.h"

#include <stdbool.h>

struct ledger;

enum ledger_answer {
	LEDGER_KEPT,	   /* a new row */
	LEDGER_SAME,	   /* the ledger has this ticket, person and code already */
	LEDGER_OTHER_CODE, /* this ticket and person hold another code: the ledger wins */
	LEDGER_CODE_TAKEN, /* another ticket of this event holds the code */
	LEDGER_REVOKED,	   /* the row of this ticket and person is returned */
	LEDGER_CONFLICT /* none of these: the ticket is another person's, or the person has another
			      live ticket */
};

enum ledger_state { LEDGER_ISSUED, LEDGER_PARKED, LEDGER_RETURNED };

const char *ledger_state_word(enum ledger_state); /* "issued", "parked", "returned" */

struct ledger_row {
	const struct issued *issued; /* what is to be kept */
	enum ledger_answer answer;
	/* Except for LEDGER_KEPT, the row that is there, as it was (winner.event as stored): */
	struct issued found;
	enum ledger_state state;
	int64_t delivered_us; /* 0: not delivered, as far as the ledger knows; so too if kept */
	bool foreign; /* of ledger_each: no fcfs wrote it, and of all this only the ticket is set */
};

struct ledger_mark {
	int64_t ticket;
	enum ledger_state state;
	int64_t delivered_us; /* stays from the first delivery on; 0: says nothing about it */
};

/* Whether it begins as the URL of a ledger does. EX_USAGE. */
int ledger_check_url(const char *url, struct fault *why);

/* EX_USAGE for a URL that is no ledger's, EX_CONFIG for a schema or a file that is none of ours,
 * EX_OSERR where it cannot be opened. On failure *ledger is NULL. */
int ledger_open(const char *url, struct ledger **ledger, struct fault *why);

/* The same for who only reads: makes and changes nothing, so what is no ledger yet, or has an older
 * schema, is refused (EX_CONFIG). Only ledger_each and
 * ledger_each_run may be called. */
int ledger_open_to_read(const char *url, struct ledger **ledger, struct fault *why);
void ledger_close(struct ledger *); /* NULL is fine; what was not committed is rolled back */

int ledger_begin(struct ledger *, struct fault *why);
int ledger_commit(struct ledger *, struct fault *why);
void ledger_rollback(struct ledger *);

/* Begins to commit: 0, or -1: then the transaction is to be rolled back. Until the outcome is settled ledger_run may be
 * called, which waits for it; ledger_begin, _rollback and _close, too, and then nobody will know it. */
int ledger_commit_post(struct ledger *, struct fault *why);
bool ledger_posted(const struct ledger *); /* and not settled */
bool ledger_busy(struct ledger *);	   /* with what was posted: settling would wait */

/* As ledger_commit, of what was posted. After -1 the transaction is rolled back. */
int ledger_commit_settle(struct ledger *, struct fault *why);

/* Keeps rows of one event id and name, in order, and fills in each one's answer. A parked row of the same
 * ticket and person is issued from now on. 0, or -1: then the transaction is to be rolled back. */
int ledger_keep(struct ledger *, struct ledger_row *, size_t count, struct fault *why);

/* Marks live rows of the event with this id; what was delivered is not parked any more. How many were
 * met, or -1: then the transaction is to be rolled back. */
int64_t ledger_mark(struct ledger *, const char *id, const struct ledger_mark *, size_t count,
		    struct fault *why);

/* Calls visit for each row of this event id, by ticket, until it returns -1; in the row all but
 * `issued` and `answer` is set. Where somebody else writes there, a ticket may have several rows, or one
 * that is foreign. */
int ledger_each(struct ledger *, const char *id,
		int (*visit)(void *self, const struct ledger_row *, struct fault *), void *self,
		struct fault *why);

/* Calls visit for each of the last 1,000 runs over the event with this id, until it returns -1; set are run,
 * tool, status and the counts that balance. */
int ledger_each_run(struct ledger *, const char *id,
		    int (*visit)(void *self, const struct run *, struct fault *), void *self,
		    struct fault *why);

/* Writes or replaces the record of a run, in a transaction of its own. With one that is running, those of
 * the same event that are running and were not written for a minute, by the clocks of who writes them,
 * become abandoned. */
int ledger_run(struct ledger *, const struct run *, struct fault *why);

#endif
