/* ledger_file.h - new ledgers, and a look into them from outside, for the tests of ledger.h. */
#ifndef FCFS_LEDGER_FILE_H
#define FCFS_LEDGER_FILE_H

#include "ledger.h"
#include "tap.h"

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#define ID "0f8fad5b-d9cb-469f-a165-70867728950e"

enum { WRITERS = 8 };

static char folder[200];
static char path[256];
static char url[300];
static bool postgresql; /* path is a database's name then */

/* Text that is an SQL statement, for psql. Returns its status. */
static inline int psql(const char *database, const char *sql, char *answer, size_t size)
{
	char command[4000];
	FILE *pipe;
	size_t len;

	snprintf(command, sizeof command,
		 "psql -XAtq -v ON_ERROR_STOP=1 -d '%s' <<'END'\n%s\nEND\n", database, sql);
	pipe = popen(command, "r");
	len = fread(answer, 1, size - 1, pipe);
	answer[len > 0 ? len - 1 : 0] = '\0'; /* without the newline */
	return pclose(pipe);
}

/* A new place for each test. */
static inline void use_file(const char *name)
{
	char sql[100], answer[100];

	if (!postgresql) {
		snprintf(path, sizeof path, "%s/%s", folder, name);
		snprintf(url, sizeof url, "sqlite:%s", path);
		return;
	}
	snprintf(path, sizeof path, "%s", name);
	snprintf(url, sizeof url, "postgresql:///%s", name);
	snprintf(sql, sizeof sql, "CREATE DATABASE \"%s\"", name);
	if (psql("postgres", sql, answer, sizeof answer))
		printf("# no database '%s'\n", name);
}

static inline struct ledger *open_ledger(void)
{
	struct ledger *ledger;
	struct fault why = {0};

	if (ledger_open(url, &ledger, &why) < 0)
		printf("# %s\n", why.line);
	return ledger;
}

/* Something done to it behind the ledger's back. */
static inline int by_hand(const char *sql)
{
	char answer[100];
	sqlite3 *db;
	int code;

	if (postgresql)
		return psql(path, sql, answer, sizeof answer);
	code = sqlite3_open(path, &db);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, sql, NULL, NULL, NULL);
	sqlite3_close(db);
	return code;
}

static inline char *ask(const char *sql)
{
	static char answer[2000];
	sqlite3 *db;
	sqlite3_stmt *query = NULL;

	snprintf(answer, sizeof answer, "(none)");
	if (postgresql) {
		psql(path, sql, answer, sizeof answer);
		return answer;
	}
	if (sqlite3_open(path, &db) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, sql, -1, &query, NULL) == SQLITE_OK &&
	    sqlite3_step(query) == SQLITE_ROW)
		snprintf(answer, sizeof answer, "%s", (const char *)sqlite3_column_text(query, 0));
	sqlite3_finalize(query);
	sqlite3_close(db);
	return answer;
}

static inline struct issued row(const char *user, int64_t ticket, const char *code)
{
	struct issued issued = {.winner = {.event = "chicken",
					   .id = ID,
					   .ticket = ticket,
					   .joined_us = 100,
					   .granted_us = 200},
				.issued_us = 300};

	snprintf(issued.winner.user, sizeof issued.winner.user, "%s", user);
	snprintf(issued.code, sizeof issued.code, "%s", code);
	return issued;
}

/* Keeps one row in the transaction that is open; its answer, or -1. */
static inline int keep_one(struct ledger *ledger, const struct issued *issued, struct issued *found,
			   struct fault *why)
{
	struct ledger_row one = {.issued = issued};

	if (ledger_keep(ledger, &one, 1, why) < 0)
		return -1;
	if (found)
		*found = one.found;
	return (int)one.answer;
}

/* ... in a transaction of its own. */
static inline int keep(struct ledger *ledger, struct issued issued, struct issued *found)
{
	struct fault why = {0};
	int answer = -1;

	if (ledger_begin(ledger, &why) == 0)
		answer = keep_one(ledger, &issued, found, &why);
	if (answer < 0 || ledger_commit(ledger, &why) < 0) {
		printf("# %s\n", why.line);
		ledger_rollback(ledger);
	}
	return answer;
}

/* How many live rows of ID were met, in a transaction of its own. */
static inline int64_t mark(struct ledger *ledger, int64_t ticket, enum ledger_state state,
			   int64_t delivered_us)
{
	const struct ledger_mark one = {ticket, state, delivered_us};
	struct fault why = {0};
	int64_t met = -1;

	if (ledger_begin(ledger, &why) == 0)
		met = ledger_mark(ledger, ID, &one, 1, &why);
	if (met < 0 || ledger_commit(ledger, &why) < 0) {
		printf("# %s\n", why.line);
		ledger_rollback(ledger);
	}
	return met;
}

/* Runs work in WRITERS processes that start at the same moment; how many failed. */
static inline int together(int (*work)(int writer))
{
	int gate[2];
	int failed = pipe(gate);
	char byte;

	fflush(stdout);
	for (int i = 0; i < WRITERS; i++) {
		if (fork() == 0) {
			close(gate[1]);
			_exit(read(gate[0], &byte, 1) != 0 || work(i));
		}
	}
	close(gate[0]);
	close(gate[1]);
	for (int i = 0; i < WRITERS; i++) {
		int status;

		wait(&status);
		failed += status != 0;
	}
	return failed;
}

static inline void make_folder(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(folder, sizeof folder, "%s/fcfs-ledger-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(folder)) {
		printf("Bail out! no folder '%s'\n", folder);
		exit(EXIT_FAILURE);
	}
}

static inline void remove_folder(void)
{
	char command[300];

	snprintf(command, sizeof command, "rm -r '%s'", folder);
	ok(chdir("/") == 0 && system(command) == 0, "the folder is removed");
}

#endif
