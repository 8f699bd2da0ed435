/* ledger_sqlite_open.c - the file, the schema and the statements of a ledger in SQLite. */
#include "ledger_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MS = 5000, RETRY_MS = 20 };

/* From one schema to the next; the first begins with an empty file. */
static const char *const upgrade[LEDGER_SCHEMA] = {
	"CREATE TABLE issued (id TEXT NOT NULL, event TEXT NOT NULL, ticket BIGINT NOT NULL,"
	" \"user\" TEXT NOT NULL, code TEXT NOT NULL, joined_us BIGINT NOT NULL,"
	" granted_us BIGINT NOT NULL, issued_us BIGINT NOT NULL,"
	" state TEXT NOT NULL CHECK (state IN ('issued', 'returned')));"
	"CREATE UNIQUE INDEX issued_ticket ON issued (id, ticket);"
	"CREATE UNIQUE INDEX issued_code ON issued (id, code);"
	"CREATE UNIQUE INDEX issued_user ON issued (id, \"user\") WHERE state = 'issued';"
	"CREATE TABLE runs (run TEXT NOT NULL, tool TEXT NOT NULL, host TEXT NOT NULL,"
	" event TEXT NOT NULL, id TEXT NOT NULL, status TEXT NOT NULL,"
	" started_us BIGINT NOT NULL, ended_us BIGINT NOT NULL, \"in\" BIGINT NOT NULL,"
	" done BIGINT NOT NULL, already BIGINT NOT NULL, refused BIGINT NOT NULL,"
	" dead BIGINT NOT NULL, error TEXT NOT NULL, PRIMARY KEY (run, id, event));"
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);"
	"INSERT INTO meta VALUES ('schema', '1')",

	/* SQLite cannot change a CHECK, so the rows move. It would make a table of a list of three for
	 * each row that is checked, and be half as fast. What differs between rows comes first in an
	 * index, as SQLite compares a first column fast. Files of this schema that are older have the
	 * id first: they are as good, and slower. */
	"ALTER TABLE issued RENAME TO issued_1;"
	"DROP INDEX issued_ticket; DROP INDEX issued_code; DROP INDEX issued_user;"
	"CREATE TABLE issued (id TEXT NOT NULL, event TEXT NOT NULL, ticket BIGINT NOT NULL,"
	" \"user\" TEXT NOT NULL, code TEXT NOT NULL, joined_us BIGINT NOT NULL,"
	" granted_us BIGINT NOT NULL, issued_us BIGINT NOT NULL, delivered_us BIGINT,"
	" state TEXT NOT NULL"
	" CHECK (state = 'issued' OR state = 'parked' OR state = 'returned'));"
	"INSERT INTO issued SELECT id, event, ticket, \"user\", code, joined_us, granted_us,"
	" issued_us, NULL, state FROM issued_1 ORDER BY rowid;"
	"DROP TABLE issued_1;"
	"CREATE UNIQUE INDEX issued_ticket ON issued (id, ticket);"
	"CREATE UNIQUE INDEX issued_code ON issued (code, id);"
	"CREATE UNIQUE INDEX issued_user ON issued (\"user\", id) WHERE state <> 'returned';"
	"ALTER TABLE runs ADD COLUMN retried BIGINT NOT NULL DEFAULT 0;"
	"UPDATE meta SET value = '2' WHERE name = 'schema'",
};

#define KEPT "event, id, \"user\", ticket, code, joined_us, granted_us, issued_us, state"
#define ROW KEPT ", delivered_us"

/* Rows of one event: a statement that keeps several opens and closes its four trees once. One that meets a
 * row which is refused stops there, and what stood before it is kept. */
#define VALUES_1 "(?1, ?2, ?, ?, ?, ?, ?, ?, 'issued')"
#define VALUES_4 VALUES_1 "," VALUES_1 "," VALUES_1 "," VALUES_1
#define KEEP_ROWS "INSERT OR FAIL INTO issued (" KEPT ") VALUES "

static const char *const sql[STATEMENTS] = {
	[KEEP] = KEEP_ROWS VALUES_1,
	[KEEP_MANY] = KEEP_ROWS VALUES_4 "," VALUES_4 "," VALUES_4 "," VALUES_4 "," VALUES_4,
	[BY + KEY_TICKET] = "SELECT " ROW " FROM issued WHERE id = ? AND ticket = ?",
	[BY + KEY_USER] = "SELECT " ROW " FROM issued WHERE id = ? AND \"user\" = ?"
			  " AND state <> 'returned'",
	[BY + KEY_CODE] = "SELECT " ROW " FROM issued WHERE id = ? AND code = ?",
	[MARK] =
		"UPDATE issued SET state = ?3, delivered_us = coalesce(delivered_us, nullif(?4, 0))"
		" WHERE id = ?1 AND ticket = ?2 AND state <> 'returned'"
		" AND (delivered_us IS NULL OR ?3 <> 'parked')",
	[EACH] = "SELECT " ROW " FROM issued WHERE id = ? ORDER BY ticket",
	[EACH_RUN] = "SELECT run, tool, status, \"in\", done, already, refused, dead FROM runs"
		     " WHERE id = ? ORDER BY started_us DESC, run LIMIT 1000",
	[RUN] = "INSERT OR REPLACE INTO runs (run, tool, host, event, id, status, started_us,"
		" ended_us, \"in\", done, already, refused, dead, retried, error)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[ABANDON] = "UPDATE runs SET status = 'abandoned'"
		    " WHERE id = ? AND event = ?"
		    " AND status = 'running' AND ended_us < ?",
};

static int foreign(const struct sqlite_ledger *self, struct fault *why)
{
	return fault_set(why, EX_CONFIG,
			 "ledger 'sqlite:%s': is not a ledger of fcfs, name another file",
			 self->place);
}

/* One number; a query without its table, column or row means a file of another kind. */
static int query_int(struct sqlite_ledger *self, const char *text, int64_t *value,
		     struct fault *why)
{
	sqlite3_stmt *query = NULL;
	int code = sqlite3_prepare_v2(self->db, text, -1, &query, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(query);
	if (code == SQLITE_ROW)
		*value = sqlite3_column_int64(query, 0);
	sqlite3_finalize(query);
	if (code == SQLITE_DONE || code == SQLITE_ERROR)
		return foreign(self, why);
	return code == SQLITE_ROW ? 0 : ledger_sqlite_fault(self, code, why);
}

/* SQLite does not wait for all others that open the same new file, so that is done here. */
static int use_wal(struct sqlite_ledger *self, struct fault *why)
{
	int code = SQLITE_BUSY;

	sqlite3_busy_timeout(self->db, 0);
	for (int waited = 0; waited < BUSY_MS && code == SQLITE_BUSY; waited += RETRY_MS) {
		if (waited)
			sqlite3_sleep(RETRY_MS);
		code = sqlite3_exec(self->db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
	}
	sqlite3_busy_timeout(self->db, BUSY_MS);
	return code == SQLITE_OK ? 0 : ledger_sqlite_fault(self, code, why);
}

/* The schema's number: 0 in an empty file. */
static int read_version(struct sqlite_ledger *self, int64_t *version, struct fault *why)
{
	int64_t objects = 0, tables = 0;

	*version = 0;
	if (query_int(self, "SELECT count(*) FROM sqlite_master", &objects, why) < 0)
		return -1;
	if (objects == 0)
		return 0;
	if (query_int(self,
		      "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND "
		      "name IN ('issued', 'runs', 'meta')",
		      &tables, why) < 0)
		return -1;
	if (tables != 3)
		return foreign(self, why);
	if (query_int(self, "SELECT value FROM meta WHERE name = 'schema'", version, why) < 0)
		return -1;
	if (*version > LEDGER_SCHEMA)
		return fault_set(why, EX_CONFIG,
				 "ledger 'sqlite:%s': schema %lld is newer than this program "
				 "knows (%d), upgrade fcfs",
				 self->place, (long long)*version, LEDGER_SCHEMA);
	return *version < 1 ? foreign(self, why) : 0;
}

/* Asked twice, as another process may have the same idea. */
static int bring_up_to_date(struct sqlite_ledger *self, struct fault *why)
{
	int64_t version;

	if (read_version(self, &version, why) < 0)
		return -1;
	if (version == LEDGER_SCHEMA)
		return 0;
	if (ledger_sqlite_execute(self, "BEGIN IMMEDIATE", why) < 0 ||
	    read_version(self, &version, why) < 0)
		return -1;
	for (; version < LEDGER_SCHEMA; version++)
		if (ledger_sqlite_execute(self, upgrade[version], why) < 0)
			return -1;
	return ledger_sqlite_execute(self, "COMMIT", why);
}

static int prepare(struct sqlite_ledger *self, struct fault *why)
{
	for (int i = 0; i < STATEMENTS; i++) {
		int code = sqlite3_prepare_v3(self->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
					      &self->statement[i], NULL);

		if (code == SQLITE_ERROR)
			return foreign(self, why);
		if (code != SQLITE_OK)
			return ledger_sqlite_fault(self, code, why);
	}
	return 0;
}

/* Made here rather than by SQLite, for its mode. Only a new file is opened: closing one that this
 * process has open in SQLite would drop its locks (fcntl(2)). */
static int make_file(const char *path, const char *place, struct fault *why)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	else if (errno != EEXIST)
		return fault_errno(why, EX_OSERR, "ledger 'sqlite:%s'", place);
	return 0;
}

/* One thread of a process is ever in SQLite, and nobody asks how much memory it takes: its mutexes and that account
 * would be a twelfth of what a row costs. Where SQLite is in use already both are refused, and do no harm. */
static void configure(void)
{
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* A fifo would be waited for, and a device be written to. */
static int check_file(const struct sqlite_ledger *self, const char *path, bool to_read,
		      struct fault *why)
{
	struct stat there;

	if (stat(path, &there) == 0)
		return S_ISREG(there.st_mode) ? 0 : foreign(self, why);
	return to_read ? 0 : make_file(path, self->place, why);
}

/* With a folder before it no path is one of SQLite's own (":memory:", "file:..."). */
static int open_file(struct sqlite_ledger *self, bool to_read, struct fault *why)
{
	char *path;
	int code;

	if (asprintf(&path, "%s%s", self->place[0] == '/' ? "" : "./", self->place) < 0)
		return fault_set(why, EX_OSERR, "out of memory");
	if (check_file(self, path, to_read, why) < 0) {
		free(path);
		return -1;
	}
	configure();
	code = sqlite3_open_v2(path, &self->db,
			       to_read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE, NULL);
	free(path);
	if (code != SQLITE_OK)
		return ledger_sqlite_fault(self, code, why);
	if (!to_read && sqlite3_db_readonly(self->db, "main"))
		return ledger_sqlite_fault(self, SQLITE_READONLY, why);
	sqlite3_busy_timeout(self->db, BUSY_MS);
	return 0;
}

/* Whoever only reads does not bring it up to date. */
static int check_version(struct sqlite_ledger *self, struct fault *why)
{
	int64_t version;

	if (read_version(self, &version, why) < 0)
		return -1;
	if (version == 0)
		return foreign(self, why);
	if (version < LEDGER_SCHEMA)
		return fault_set(why, EX_CONFIG,
				 "ledger 'sqlite:%s': schema %lld is older than this program's "
				 "(%d): the next fcfs-issue --ledger brings it up to date",
				 self->place, (long long)version, LEDGER_SCHEMA);
	return 0;
}

/* Rows land all over two indexes, so a page is written back less often where the log may grow:
 * 64 MiB makes large chunks half as fast again as SQLite's 4. A chunk of 1,000 changes 3 MiB of
 * pages; in SQLite's 2 they would go to the log, and be read again, before it is kept. With half as much
 * again, some that the chunk before has changed are still there. */
static const char settings[] = "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=16000;"
			       "PRAGMA cache_size=-4608";

/* A file that is none of ours is refused before anything is written to it. */
int ledger_sqlite_set_up(struct sqlite_ledger *self, bool to_read, struct fault *why)
{
	if (open_file(self, to_read, why) < 0)
		return -1;
	if (to_read)
		return check_version(self, why) < 0 ? -1 : prepare(self, why);
	if (ledger_sqlite_execute(self, settings, why) < 0 || bring_up_to_date(self, why) < 0 ||
	    use_wal(self, why) < 0)
		return -1;
	return prepare(self, why);
}
