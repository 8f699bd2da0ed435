/*
 * audit_db.h - what an audit has read, in tables, and the promises, asked of them.
 *
 *   audit_row, audit_int | audit_text ..., audit_put     for every row read
 *   audit_db_ready                                       all is there: indexes, recounts
 *   audit_db_check, audit_db_counts                      as often as wanted
 *
 * The tables are in sql/tables.sql and sql/views.sql, the promises in sql/promises.sql. They are kept in a
 * nameless temporary file of SQLite's, gone with the process, and in a cache of a few MiB before it.
 * A code never gets there: a digest stands for it, another one in each process. Only a rebuild has the codes
 * themselves in it, and fills in, from topics and ledger, what would else be read from Redis.
 *
 * This header's audit_db.c is the only one beside the ledger to know SQLite.
 */
#ifndef FCFS_AUDIT_DB_H
#define FCFS_AUDIT_DB_H

#include "control.h"
#include "fault.h"

#include <stddef.h>

/* What a row is of, and the values it is given. */
enum audit_table {
	AUDIT_FIELD, /* name, value */
	AUDIT_SIZE,  /* name, number */
	AUDIT_LINE, /* ticket, user, joined_us, step_us or 0, then the words of the values in left (4),
			 * issued (3) and pending (6), or none where there is no such value */
	AUDIT_POOL,	/* code, place */
	AUDIT_RUN,	/* JSON */
	AUDIT_REQUEST,	/* id, partition, offset, JSON, whether it has our header */
	AUDIT_WINNER,	/* the same, replays */
	AUDIT_ISSUED,	/* id, partition, offset, JSON, whether it has our header */
	AUDIT_ENTRY,	/* the same, place */
	AUDIT_LETTER,	/* partition, offset, class, run, partition and offset of the original */
	AUDIT_PROGRESS, /* requests, winners, seq, rebuilt_us; or none of them */
	AUDIT_READER,	/* partition, committed */
	AUDIT_LEDGER,	/* ticket, event, user, joined_us, granted_us, issued_us, state, code */
	AUDIT_BOOKS,	/* run, tool, status, in, done, already, refused, dead: of the ledger */
	AUDIT_SOURCE,	/* name, records gone */
	AUDIT_TABLES
};

struct audit_db;

/* EX_OSERR where there is no room for it (TMPDIR). The control is borrowed: a query ends when it is
 * stopping. codes: they are kept as they are. */
int audit_db_open(const struct control *, bool codes, struct audit_db **, struct fault *why);
void audit_db_close(struct audit_db *); /* NULL is fine */

/* One row; a value that is not given is none. Texts are borrowed until audit_put. A record of JSON that is
 * not of the event with this id, or is no such record, is no row. */
void audit_row(struct audit_db *, enum audit_table);
void audit_int(struct audit_db *, int64_t);
void audit_text(struct audit_db *, const char *text, size_t len);
void audit_none(struct audit_db *);
int audit_put(struct audit_db *, struct fault *why);

int audit_db_ready(struct audit_db *, struct fault *why);

/* The same where Redis was not read: sql/rebuild.sql makes what it would have. */
int audit_db_rebuild(struct audit_db *, struct fault *why);

/* Calls visit for each row that a query finds, until it returns -1. */
enum { AUDIT_COLUMNS = 8 };
struct audit_value {
	bool none;	  /* NULL */
	const char *text; /* lives until the next row */
	size_t len;
	int64_t number;
};

int audit_db_rows(struct audit_db *, const char *sql,
		  int (*visit)(void *self, const struct audit_value *, struct fault *), void *self,
		  struct fault *why);

/* What breaks a promise, or, a notice, only looks as if. Texts may hold any bytes; never a code. */
struct audit_breach {
	bool notice;
	const char *promise; /* "P1" ... "P10" */
	const char *what;    /* it says */
	const char *user;    /* "": no person is meant */
	int64_t ticket;	     /* 0: none */
	const char *found;
};

/* Calls breach for each, until it returns -1. `final`: what is under way is one, too; else it is only
 * counted in *under_way. */
int audit_db_check(struct audit_db *, bool final,
		   int (*breach)(void *self, const struct audit_breach *, struct fault *),
		   void *self, int64_t *under_way, struct fault *why);

/* Calls count for each kind of thing that was compared, value -1 where it was not. */
int audit_db_counts(struct audit_db *, void (*count)(void *self, const char *name, int64_t value),
		    void *self, struct fault *why);

#endif
