/*
 * ledger_postgresql.h - the ledger in a PostgreSQL database; only ledger_postgresql*.c include it, and
 * libpq-fe.h.
 *
 * Statements are sent without waiting (libpq's pipeline mode) until an answer is needed: a chunk's
 * BEGIN goes with its rows, so that a chunk is two round trips: rows, COMMIT. No session state is
 * relied on: all settings are local to the transaction, nothing is prepared. So a pooler may stand
 * between, and a connection that was lost is simply made anew by the next ledger_begin.
 *
 * Nothing waits for ever: connecting, a lock, a statement and an answer each have their limit.
 */
#ifndef FCFS_LEDGER_POSTGRESQL_H
#define FCFS_LEDGER_POSTGRESQL_H

#include "buffer.h"
#include "ledger_backend.h"

#include <libpq-fe.h>

enum { PARAMETERS = 15 };

struct postgresql_ledger {
	struct ledger ledger;
	char *url;    /* as given: it holds no password */
	PGconn *conn; /* NULL: none, or lost */
	bool begun;
	struct buffer text[PARAMETERS]; /* of the statement in the making */
	int count, arrays;		/* its parameters, and how many of these are arrays */
};

/* --- the connection (ledger_postgresql_wire.c) --- */

/* Unless it is there. EX_UNAVAILABLE, or EX_CONFIG. */
int ledger_postgresql_connect(struct postgresql_ledger *, struct fault *why);
void ledger_postgresql_disconnect(struct postgresql_ledger *);

/* The parameters $1, $2 ... of the next statement, in turn; the arrays last. */
void ledger_postgresql_text(struct postgresql_ledger *, const char *);
void ledger_postgresql_int(struct postgresql_ledger *, int64_t);
struct buffer *ledger_postgresql_arrays(struct postgresql_ledger *, int count); /* the first */
void ledger_postgresql_element(struct buffer *array, const char *);
void ledger_postgresql_element_int(struct buffer *array, int64_t);

/* Sends one statement with the parameters so far. */
int ledger_postgresql_send(struct postgresql_ledger *, const char *sql, struct fault *why);

/* Waits for the answers to all that was sent: the last one's, or NULL and the first that failed. After
 * a fault the connection is gone or the transaction is of no more use. The caller clears it. */
PGresult *ledger_postgresql_receive(struct postgresql_ledger *, struct fault *why);

/* Sends, and waits for an answer that says nothing. */
int ledger_postgresql_execute(struct postgresql_ledger *, const char *sql, struct fault *why);

/* A transaction: begin connects where that is needed, and waits for nothing else. */
int ledger_postgresql_begin(struct postgresql_ledger *, struct fault *why);
int ledger_postgresql_commit(struct postgresql_ledger *, struct fault *why);

/* What of it is not committed goes with the connection. */
void ledger_postgresql_rollback(struct postgresql_ledger *);

/* EX_CONFIG: what is there was not made by fcfs. Returns -1. */
int ledger_postgresql_foreign(const struct postgresql_ledger *, struct fault *why);

/* --- runs (ledger_postgresql_runs.c): as ledger_backend.h says --- */

int ledger_postgresql_run(struct ledger *, const struct run *, struct fault *why);
int ledger_postgresql_abandon(struct ledger *, const struct run *, int64_t before_us,
			      struct fault *why);
int ledger_postgresql_each_run(struct ledger *, const char *id,
			       int (*visit)(void *self, const struct run *, struct fault *),
			       void *self, struct fault *why);

/* --- the schema (ledger_postgresql_open.c) --- */

/* Makes the tables, unless they are only to be read, or refuses them. */
int ledger_postgresql_set_up(struct postgresql_ledger *, bool to_read, struct fault *why);

#endif
