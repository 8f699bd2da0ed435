/*
 * ledger.h - what was issued, kept outside Redis: exactly one row a (event id, ticket).
 *
 * Tables: `issued` (id, event, ticket, "user", code, joined_us, granted_us, issued_us, state
 * 'issued' or 'returned'; unique on id + ticket, on id + code, and on id + user among rows whose
 * state is 'issued'), `runs` (the fields of run.h, keyed by run + id + event), `meta` (schema
 * version). URL: sqlite:PATH (made on first use, mode 0600, WAL, synchronous FULL, waits 5 s for
 * another writer). A schema newer than this build knows is refused (EX_CONFIG).
 *
 * All rows of a chunk are kept in one transaction: ledger_begin, ledger_keep ..., ledger_commit.
 * A process killed before commit leaves nothing; keeping the same row again changes nothing (P5,
 * P8).
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
	LEDGER_CONFLICT	   /* neither: the ticket is another person's, or the person has another
			      live ticket, or the row was returned */
};

/* EX_USAGE for a URL that is no ledger's, EX_CONFIG for a schema or a file that is none of ours,
 * EX_OSERR where it cannot be opened. On failure *ledger is NULL. */
int ledger_open(const char *url, struct ledger **ledger, struct fault *why);
void ledger_close(struct ledger *); /* NULL is fine; what was not committed is rolled back */

int ledger_begin(struct ledger *, struct fault *why);
int ledger_commit(struct ledger *, struct fault *why);
void ledger_rollback(struct ledger *);

/* Returns an enum ledger_answer, or -1. Except for LEDGER_KEPT, *found is the row that is there
 * (its winner.event as stored). May be NULL where the caller does not care. */
int ledger_keep(struct ledger *, const struct issued *, struct issued *found, struct fault *why);

/* Writes or replaces the record of a run, in a transaction of its own. */
int ledger_run(struct ledger *, const struct run *, struct fault *why);

#endif
