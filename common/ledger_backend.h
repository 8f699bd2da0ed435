/*
 * ledger_backend.h - what one kind of database does for ledger.h; only ledger*.c include it.
 *
 * A backend's own struct begins with struct ledger. The calls are those of ledger.h.
 */
#ifndef FCFS_LEDGER_BACKEND_H
#define FCFS_LEDGER_BACKEND_H

#include "ledger.h"

struct ledger_backend {
	void (*close)(struct ledger *);
	int (*begin)(struct ledger *, struct fault *why);
	int (*commit)(struct ledger *, struct fault *why);
	void (*rollback)(struct ledger *);
	int (*keep)(struct ledger *, const struct issued *, struct issued *found,
		    struct fault *why);
	int (*run)(struct ledger *, const struct run *, struct fault *why);
};

struct ledger {
	const struct ledger_backend *backend;
};

enum { LEDGER_SCHEMA = 1 };

/* place is the URL behind "sqlite:". As ledger_open. */
int ledger_sqlite_open(const char *place, struct ledger **ledger, struct fault *why);

#endif
