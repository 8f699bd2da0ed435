/*
 * ledger_sqlite.h - the ledger in an SQLite file; only ledger_sqlite*.c include it. They know SQLite, and
 * audit_db.c does.
 *
 * WAL with synchronous FULL: a commit is on disk before ledger_commit returns. BEGIN IMMEDIATE
 * takes the writer's lock at once, so that a chunk never loses a race halfway.
 */
#ifndef FCFS_LEDGER_SQLITE_H
#define FCFS_LEDGER_SQLITE_H

#include "ledger_backend.h"

#include <sqlite3.h>

enum { LEDGER_SQLITE_MANY = 20 };

enum ledger_statement {
	KEEP,
	KEEP_MANY, /* LEDGER_SQLITE_MANY rows */
	BY,	   /* + enum ledger_key */
	MARK = BY + LEDGER_KEYS,
	EACH,
	EACH_RUN,
	RUN,
	ABANDON,
	STATEMENTS
};

struct sqlite_ledger {
	struct ledger ledger;
	sqlite3 *db;
	sqlite3_stmt *statement[STATEMENTS];
	char *place; /* the URL behind "sqlite:" */
};

/* Opens self->place, brings its schema up to date, unless it is only to be read, and prepares the
 * statements. On failure whatever has been opened stays in self, to be closed. */
int ledger_sqlite_set_up(struct sqlite_ledger *self, bool to_read, struct fault *why);

/* Fills why from SQLite's result code: EX_TEMPFAIL, EX_CONFIG, EX_OSERR or EX_SOFTWARE. Returns -1.
 */
int ledger_sqlite_fault(const struct sqlite_ledger *self, int code, struct fault *why);

/* Runs statements that answer nothing. */
int ledger_sqlite_execute(struct sqlite_ledger *self, const char *text, struct fault *why);

#endif
