/*
 * ledger_sqlite.c - the ledger in an SQLite file. No other module includes sqlite3.h.
 *
 * WAL with synchronous FULL: a commit is on disk before ledger_commit returns. BEGIN IMMEDIATE
 * takes the writer's lock at once, so that a chunk never loses a race halfway.
 */
#include "ledger_backend.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUSY_MS = 5000, RETRY_MS = 20 };

enum statement { KEEP, BY_TICKET, BY_USER, BY_CODE, RUN, STATEMENTS };

struct sqlite_ledger {
	struct ledger ledger;
	sqlite3 *db;
	sqlite3_stmt *statement[STATEMENTS];
	char *place;
};

static const char FOREIGN[] = "is not a ledger of fcfs, name another file";

static const char schema[] =
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
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);";

#define ROW "event, id, \"user\", ticket, code, joined_us, granted_us, issued_us, state"

static const char *const sql[STATEMENTS] = {
	[KEEP] = "INSERT INTO issued (" ROW ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'issued')"
		 " ON CONFLICT DO NOTHING",
	[BY_TICKET] = "SELECT " ROW " FROM issued WHERE id = ? AND ticket = ?",
	[BY_USER] = "SELECT " ROW " FROM issued WHERE id = ? AND \"user\" = ?"
		    " AND state = 'issued'",
	[BY_CODE] = "SELECT " ROW " FROM issued WHERE id = ? AND code = ?",
	[RUN] = "INSERT OR REPLACE INTO runs (run, tool, host, event, id, status, started_us,"
		" ended_us, \"in\", done, already, refused, dead, error)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
};

static struct sqlite_ledger *of(struct ledger *ledger)
{
	return (struct sqlite_ledger *)ledger;
}

/* SQLite's own text names columns and files, never their values. */
static int explain(const struct sqlite_ledger *self, int code, struct fault *why)
{
	int system = sqlite3_system_errno(self->db);

	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return fault_set(why, EX_TEMPFAIL,
				 "ledger 'sqlite:%s': database is locked by another writer, "
				 "try again",
				 self->place);
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return fault_set(why, EX_CONFIG, "ledger 'sqlite:%s': %s, name another file",
				 self->place, sqlite3_errstr(code));
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return fault_set(why, EX_OSERR, "ledger 'sqlite:%s': %s%s%s", self->place,
				 sqlite3_errstr(code), system ? ": " : "",
				 system ? strerror(system) : "");
	case SQLITE_FULL:
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_NOMEM:
		return fault_set(why, EX_OSERR, "ledger 'sqlite:%s': %s", self->place,
				 sqlite3_errstr(code));
	default:
		return fault_set(why, EX_SOFTWARE, "ledger 'sqlite:%s': %s", self->place,
				 sqlite3_errstr(code));
	}
}

static int execute(struct sqlite_ledger *self, const char *text, struct fault *why)
{
	int code = sqlite3_exec(self->db, text, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : explain(self, code, why);
}

/* One number from a query of one row and one column. */
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
	if (code == SQLITE_DONE)
		return fault_set(why, EX_CONFIG, "ledger 'sqlite:%s': %s", self->place, FOREIGN);
	return code == SQLITE_ROW ? 0 : explain(self, code, why);
}

static void sqlite_rollback(struct ledger *ledger)
{
	struct sqlite_ledger *self = of(ledger);

	if (!sqlite3_get_autocommit(self->db))
		sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
}

static int sqlite_begin(struct ledger *ledger, struct fault *why)
{
	return execute(of(ledger), "BEGIN IMMEDIATE", why);
}

static int sqlite_commit(struct ledger *ledger, struct fault *why)
{
	return execute(of(ledger), "COMMIT", why);
}

static void sqlite_close(struct ledger *ledger)
{
	struct sqlite_ledger *self = of(ledger);

	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(self->statement[i]);
	sqlite3_close(self->db);
	free(self->place);
	free(self);
}

/* Switching to WAL does not wait for others that open the same new file, so wait here. */
static int use_wal(struct sqlite_ledger *self, struct fault *why)
{
	int code = SQLITE_BUSY;

	for (int waited = 0; waited < BUSY_MS && code == SQLITE_BUSY; waited += RETRY_MS) {
		if (waited)
			sqlite3_sleep(RETRY_MS);
		code = sqlite3_exec(self->db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL) & 0xff;
	}
	return code == SQLITE_OK ? 0 : explain(self, code, why);
}

static int make_schema(struct sqlite_ledger *self, struct fault *why)
{
	char version[80];

	snprintf(version, sizeof version, "INSERT INTO meta VALUES ('schema', '%d')",
		 LEDGER_SCHEMA);
	if (execute(self, schema, why) < 0 || execute(self, version, why) < 0)
		return -1;
	return 0;
}

/* An empty file becomes a ledger. Asked twice, as another process may have the same idea. */
static int use_empty(struct sqlite_ledger *self, struct fault *why)
{
	static const char objects[] = "SELECT count(*) FROM sqlite_master";
	int64_t count;

	if (query_int(self, objects, &count, why) < 0)
		return -1;
	if (count > 0)
		return 0;
	if (sqlite_begin(&self->ledger, why) < 0 || query_int(self, objects, &count, why) < 0)
		return -1;
	if (count == 0 && make_schema(self, why) < 0)
		return -1;
	return sqlite_commit(&self->ledger, why);
}

static int check_schema(struct sqlite_ledger *self, struct fault *why)
{
	int64_t tables, version;

	if (query_int(self,
		      "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND "
		      "name IN ('issued', 'runs', 'meta')",
		      &tables, why) < 0)
		return -1;
	if (tables != 3)
		return fault_set(why, EX_CONFIG, "ledger 'sqlite:%s': %s", self->place, FOREIGN);
	if (query_int(self, "SELECT value FROM meta WHERE name = 'schema'", &version, why) < 0)
		return -1;
	if (version > LEDGER_SCHEMA)
		return fault_set(why, EX_CONFIG,
				 "ledger 'sqlite:%s': schema %lld is newer than this program "
				 "knows (%d), upgrade fcfs",
				 self->place, (long long)version, LEDGER_SCHEMA);
	if (version < LEDGER_SCHEMA)
		return fault_set(why, EX_CONFIG, "ledger 'sqlite:%s': %s", self->place, FOREIGN);
	return 0;
}

static int prepare(struct sqlite_ledger *self, struct fault *why)
{
	for (int i = 0; i < STATEMENTS; i++) {
		int code = sqlite3_prepare_v3(self->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
					      &self->statement[i], NULL);

		if (code == SQLITE_ERROR)
			return fault_set(why, EX_CONFIG, "ledger 'sqlite:%s': %s", self->place,
					 FOREIGN);
		if (code != SQLITE_OK)
			return explain(self, code, why);
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

/* With a folder before it no path is one of SQLite's own (":memory:", "file:..."). */
static int open_file(struct sqlite_ledger *self, struct fault *why)
{
	char *path;
	int code;

	if (asprintf(&path, "%s%s", self->place[0] == '/' ? "" : "./", self->place) < 0)
		return fault_set(why, EX_OSERR, "out of memory");
	if (make_file(path, self->place, why) < 0) {
		free(path);
		return -1;
	}
	code = sqlite3_open_v2(path, &self->db, SQLITE_OPEN_READWRITE, NULL);
	free(path);
	if (code != SQLITE_OK)
		return explain(self, code, why);
	if (sqlite3_db_readonly(self->db, "main"))
		return explain(self, SQLITE_READONLY, why);
	sqlite3_busy_timeout(self->db, BUSY_MS);
	return 0;
}

/* A file that is none of ours is refused before anything is written to it. */
static int set_up(struct sqlite_ledger *self, struct fault *why)
{
	if (open_file(self, why) < 0 || execute(self, "PRAGMA synchronous=FULL", why) < 0 ||
	    use_empty(self, why) < 0 || check_schema(self, why) < 0 || use_wal(self, why) < 0)
		return -1;
	return prepare(self, why);
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

static void bind_row(sqlite3_stmt *statement, const struct issued *issued)
{
	const struct winner *winner = &issued->winner;

	bind_text(statement, 1, winner->event);
	bind_text(statement, 2, winner->id);
	bind_text(statement, 3, winner->user);
	sqlite3_bind_int64(statement, 4, winner->ticket);
	bind_text(statement, 5, issued->code);
	sqlite3_bind_int64(statement, 6, winner->joined_us);
	sqlite3_bind_int64(statement, 7, winner->granted_us);
	sqlite3_bind_int64(statement, 8, issued->issued_us);
}

/* False where the text does not fit: fcfs did not write it. */
static bool column_text(sqlite3_stmt *row, int at, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(row, at);
	size_t len = (size_t)sqlite3_column_bytes(row, at);

	if (!text || len >= size)
		return false;
	memcpy(out, text, len + 1);
	return true;
}

static bool read_row(sqlite3_stmt *row, struct issued *found, bool *live)
{
	struct winner *winner = &found->winner;
	char state[16];

	if (!column_text(row, 0, winner->event, sizeof winner->event) ||
	    !column_text(row, 1, winner->id, sizeof winner->id) ||
	    !column_text(row, 2, winner->user, sizeof winner->user) ||
	    !column_text(row, 4, found->code, sizeof found->code) ||
	    !column_text(row, 8, state, sizeof state))
		return false;
	winner->ticket = sqlite3_column_int64(row, 3);
	winner->joined_us = sqlite3_column_int64(row, 5);
	winner->granted_us = sqlite3_column_int64(row, 6);
	found->issued_us = sqlite3_column_int64(row, 7);
	*live = strcmp(state, "issued") == 0;
	return true;
}

/* Runs one of the BY_ statements, its second parameter bound by the caller: 1 with a row, 0
 * without one, -1. */
static int look_up(struct sqlite_ledger *self, enum statement by, const struct issued *issued,
		   struct issued *found, bool *live, struct fault *why)
{
	sqlite3_stmt *query = self->statement[by];
	int code;
	bool fits = true;

	bind_text(query, 1, issued->winner.id);
	code = sqlite3_step(query);
	if (code == SQLITE_ROW)
		fits = read_row(query, found, live);
	sqlite3_reset(query);
	if (!fits)
		return fault_set(why, EX_CONFIG,
				 "ledger 'sqlite:%s': holds a row that is not fcfs's", self->place);
	if (code == SQLITE_ROW || code == SQLITE_DONE)
		return code == SQLITE_ROW;
	return explain(self, code, why);
}

/* Some unique index refused the row: which, and is it the same row? The person's comes before the
 * code's, since another code would not help there. */
static int answer_for(struct sqlite_ledger *self, const struct issued *issued, struct issued *found,
		      struct fault *why)
{
	bool live;
	int there;

	sqlite3_bind_int64(self->statement[BY_TICKET], 2, issued->winner.ticket);
	there = look_up(self, BY_TICKET, issued, found, &live, why);
	if (there < 0)
		return -1;
	if (there) {
		if (!live || strcmp(found->winner.user, issued->winner.user) != 0)
			return LEDGER_CONFLICT;
		return strcmp(found->code, issued->code) == 0 ? LEDGER_SAME : LEDGER_OTHER_CODE;
	}
	bind_text(self->statement[BY_USER], 2, issued->winner.user);
	there = look_up(self, BY_USER, issued, found, &live, why);
	if (there)
		return there < 0 ? -1 : LEDGER_CONFLICT;
	bind_text(self->statement[BY_CODE], 2, issued->code);
	there = look_up(self, BY_CODE, issued, found, &live, why);
	if (there)
		return there < 0 ? -1 : LEDGER_CODE_TAKEN;
	return fault_set(why, EX_SOFTWARE, "ledger 'sqlite:%s': refused a row without a reason",
			 self->place);
}

static int sqlite_keep(struct ledger *ledger, const struct issued *issued, struct issued *found,
		       struct fault *why)
{
	struct sqlite_ledger *self = of(ledger);
	sqlite3_stmt *insert = self->statement[KEEP];
	struct issued unwanted;
	int code;

	assert(!sqlite3_get_autocommit(self->db));
	bind_row(insert, issued);
	code = sqlite3_step(insert);
	sqlite3_reset(insert);
	if (code != SQLITE_DONE)
		return explain(self, code, why);
	if (sqlite3_changes(self->db) == 1)
		return LEDGER_KEPT;
	return answer_for(self, issued, found ? found : &unwanted, why);
}

static int sqlite_run(struct ledger *ledger, const struct run *run, struct fault *why)
{
	struct sqlite_ledger *self = of(ledger);
	sqlite3_stmt *replace = self->statement[RUN];
	const char *texts[] = {run->run, run->tool, run->host, run->event, run->id, run->status};
	int64_t numbers[] = {run->started_us, run->ended_us, run->in,  run->done,
			     run->already,    run->refused,  run->dead};
	int at = 1;
	int code;

	assert(sqlite3_get_autocommit(self->db));
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		bind_text(replace, at++, texts[i]);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		sqlite3_bind_int64(replace, at++, numbers[i]);
	bind_text(replace, at, run->error);
	code = sqlite3_step(replace);
	sqlite3_reset(replace);
	return code == SQLITE_DONE ? 0 : explain(self, code, why);
}

int ledger_sqlite_open(const char *place, struct ledger **ledger, struct fault *why)
{
	static const struct ledger_backend backend = {
		.close = sqlite_close,
		.begin = sqlite_begin,
		.commit = sqlite_commit,
		.rollback = sqlite_rollback,
		.keep = sqlite_keep,
		.run = sqlite_run,
	};
	struct sqlite_ledger *self = calloc(1, sizeof *self);

	if (self)
		self->place = strdup(place);
	if (!self || !self->place) {
		free(self);
		return fault_set(why, EX_OSERR, "out of memory");
	}
	self->ledger.backend = &backend;
	if (set_up(self, why) < 0) {
		sqlite_close(&self->ledger);
		return -1;
	}
	*ledger = &self->ledger;
	return 0;
}
