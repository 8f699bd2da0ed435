/*
 * audit_ledger.c - an event's rows in the ledger, as an audit reads them.
 */
#include "audit.h"

#include <string.h>

static void put_text(struct audit_db *db, const char *text)
{
	audit_text(db, text, strlen(text));
}

static int put_row(void *self, const struct ledger_row *row, struct fault *why)
{
	const struct winner *winner = &row->found.winner;
	struct audit_db *db = self;

	audit_row(db, AUDIT_LEDGER);
	audit_int(db, winner->ticket);
	if (row->foreign)
		return audit_put(db, why);
	put_text(db, winner->event);
	put_text(db, winner->user);
	audit_int(db, winner->joined_us);
	audit_int(db, winner->granted_us);
	audit_int(db, row->found.issued_us);
	put_text(db, ledger_state_word(row->state));
	put_text(db, row->found.code);
	return audit_put(db, why);
}

static int put_run(void *self, const struct run *run, struct fault *why)
{
	const int64_t number[] = {run->in, run->done, run->already, run->refused, run->dead};
	struct audit_db *db = self;

	audit_row(db, AUDIT_BOOKS);
	put_text(db, run->run);
	put_text(db, run->tool);
	put_text(db, run->status);
	for (size_t i = 0; i < sizeof number / sizeof *number; i++)
		audit_int(db, number[i]);
	return audit_put(db, why);
}

int audit_read_ledger(struct audit_db *db, struct ledger *ledger, const char *id, struct fault *why)
{
	if (ledger_each(ledger, id, put_row, db, why) < 0 ||
	    ledger_each_run(ledger, id, put_run, db, why) < 0)
		return -1;
	audit_row(db, AUDIT_SOURCE);
	put_text(db, "ledger");
	audit_int(db, 0);
	return audit_put(db, why);
}
