/*
 * ledger_backend.h - what one kind of database does for ledger.h; only ledger*.c include it.
 *
 * A backend's own struct begins with struct ledger, zero but for the backend. The calls are those of ledger.h, but that
 * keep leaves a parked row as it is; commit, and rollback after it, may be called from another thread, and nothing
 * else is then, until it is over.
 */
#ifndef FCFS_LEDGER_BACKEND_H
#define FCFS_LEDGER_BACKEND_H

#include "errand.h"
#include "ledger.h"

#include <stdbool.h>

struct ledger_backend {
	void (*close)(struct ledger *);
	int (*begin)(struct ledger *, struct fault *why);
	int (*commit)(struct ledger *, struct fault *why);
	void (*rollback)(struct ledger *);
	int (*keep)(struct ledger *, struct ledger_row *, size_t count, struct fault *why);
	int64_t (*mark)(struct ledger *, const char *id, const struct ledger_mark *, size_t count,
			struct fault *why);
	int (*each)(struct ledger *, const char *id,
		    int (*visit)(void *self, const struct ledger_row *, struct fault *), void *self,
		    struct fault *why);
	int (*each_run)(struct ledger *, const char *id,
			int (*visit)(void *self, const struct run *, struct fault *), void *self,
			struct fault *why);
	int (*run)(struct ledger *, const struct run *, struct fault *why);
	/* within a transaction: those of this id and event that are running since before then */
	int (*abandon)(struct ledger *, const struct run *, int64_t before_us, struct fault *why);
};

struct ledger {
	const struct ledger_backend *backend;
	/* ledger.c's */
	struct errand commit;
	int outcome; /* of what was posted */
	struct fault fault;
};

enum { LEDGER_SCHEMA = 2 };

enum { LEDGER_STALE_US = 60000000 }; /* a run that is running and was not written for so long */

/* What a unique index may have refused a row for, in the order in which they are asked: the person's
 * comes before the code's, since another code would not help there. */
enum ledger_key { KEY_TICKET, KEY_USER, KEY_CODE, LEDGER_KEYS };

/* The answer for a row that was refused, row->found being the first there is by these keys. */
enum ledger_answer ledger_judge(const struct ledger_row *row, enum ledger_key);

/* What ledger_state_word says; false for another word. */
bool ledger_state_read(const char *word, enum ledger_state *);

/* place is the URL behind its scheme. As ledger_open, or ledger_open_to_read; EX_USAGE where the
 * program was built without that database. */
int ledger_sqlite_open(const char *place, bool to_read, struct ledger **ledger, struct fault *why);
int ledger_postgresql_open(const char *place, bool to_read, struct ledger **ledger,
			   struct fault *why);

#endif
