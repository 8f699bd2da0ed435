/* ledger_sqlite.c - the rows of a ledger in an SQLite file. */
#include "ledger_sqlite.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sqlite_ledger *of(struct ledger *ledger)
{
	return (struct sqlite_ledger *)ledger;
}

/* SQLite's own text names columns and files, never their values. */
int ledger_sqlite_fault(const struct sqlite_ledger *self, int code, struct fault *why)
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

int ledger_sqlite_execute(struct sqlite_ledger *self, const char *text, struct fault *why)
{
	int code = sqlite3_exec(self->db, text, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : ledger_sqlite_fault(self, code, why);
}

static void sqlite_rollback(struct ledger *ledger)
{
	struct sqlite_ledger *self = of(ledger);

	if (!sqlite3_get_autocommit(self->db))
		sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
}

static int sqlite_begin(struct ledger *ledger, struct fault *why)
{
	return ledger_sqlite_execute(of(ledger), "BEGIN IMMEDIATE", why);
}

/* What goes into a file that nobody finds any more is not kept. */
static int check_place(struct sqlite_ledger *self, struct fault *why)
{
	int moved = 0;

	sqlite3_file_control(self->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	if (!moved)
		return 0;
	return fault_set(why, EX_OSERR,
			 "ledger 'sqlite:%s': the file was moved or deleted meanwhile",
			 self->place);
}

static int sqlite_commit(struct ledger *ledger, struct fault *why)
{
	if (check_place(of(ledger), why) < 0)
		return -1;
	return ledger_sqlite_execute(of(ledger), "COMMIT", why);
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

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

/* As sql[KEEP] has them: the event once, and from AT on the rest of a row. Returns where the next row's begins. */
static int bind_row(sqlite3_stmt *statement, int at, const struct issued *issued)
{
	const struct winner *winner = &issued->winner;

	bind_text(statement, at++, winner->user);
	sqlite3_bind_int64(statement, at++, winner->ticket);
	bind_text(statement, at++, issued->code);
	sqlite3_bind_int64(statement, at++, winner->joined_us);
	sqlite3_bind_int64(statement, at++, winner->granted_us);
	sqlite3_bind_int64(statement, at++, issued->issued_us);
	return at;
}

static void bind_rows(sqlite3_stmt *statement, const struct ledger_row *row, size_t count)
{
	int at = 3;

	bind_text(statement, 1, row->issued->winner.event);
	bind_text(statement, 2, row->issued->winner.id);
	for (size_t i = 0; i < count; i++)
		at = bind_row(statement, at, row[i].issued);
}

/* False where it is not what fcfs has written there; then a text is "". */
static bool column_text(sqlite3_stmt *row, int at, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(row, at);
	size_t len = (size_t)sqlite3_column_bytes(row, at);

	*out = '\0';
	if (!text || len >= size || memchr(text, '\0', len))
		return false;
	memcpy(out, text, len + 1);
	return true;
}

static bool column_int(sqlite3_stmt *row, int at, int64_t *out)
{
	bool is_int = sqlite3_column_type(row, at) == SQLITE_INTEGER;

	*out = sqlite3_column_int64(row, at);
	return is_int;
}

static bool read_row(sqlite3_stmt *from, struct ledger_row *row)
{
	struct issued *found = &row->found;
	struct winner *winner = &found->winner;
	char state[16];
	bool delivered;

	if (!column_int(from, 3, &winner->ticket) || !column_int(from, 5, &winner->joined_us) ||
	    !column_int(from, 6, &winner->granted_us) || !column_int(from, 7, &found->issued_us) ||
	    !column_text(from, 0, winner->event, sizeof winner->event) ||
	    !column_text(from, 1, winner->id, sizeof winner->id) ||
	    !column_text(from, 2, winner->user, sizeof winner->user) ||
	    !column_text(from, 4, found->code, sizeof found->code) ||
	    !column_text(from, 8, state, sizeof state) || !ledger_state_read(state, &row->state))
		return false;
	delivered = sqlite3_column_type(from, 9) != SQLITE_NULL;
	return column_int(from, 9, &row->delivered_us) || !delivered;
}

static int foreign_row(const struct sqlite_ledger *self, struct fault *why)
{
	return fault_set(why, EX_CONFIG, "ledger 'sqlite:%s': holds a row that is not fcfs's",
			 self->place);
}

/* 1 with a row, 0 without one, -1. */
static int look_up(struct sqlite_ledger *self, enum ledger_key key, struct ledger_row *row,
		   struct fault *why)
{
	sqlite3_stmt *query = self->statement[BY + key];
	const struct winner *winner = &row->issued->winner;
	int code;
	bool fits = true;

	bind_text(query, 1, winner->id);
	if (key == KEY_TICKET)
		sqlite3_bind_int64(query, 2, winner->ticket);
	else
		bind_text(query, 2, key == KEY_USER ? winner->user : row->issued->code);
	code = sqlite3_step(query);
	if (code == SQLITE_ROW)
		fits = read_row(query, row);
	sqlite3_reset(query);
	if (!fits)
		return foreign_row(self, why);
	if (code == SQLITE_ROW || code == SQLITE_DONE)
		return code == SQLITE_ROW;
	return ledger_sqlite_fault(self, code, why);
}

/* Some unique index refused the row. */
static int find(struct sqlite_ledger *self, struct ledger_row *row, struct fault *why)
{
	for (enum ledger_key key = 0; key < LEDGER_KEYS; key++) {
		int there = look_up(self, key, row, why);

		if (there < 0)
			return -1;
		if (there) {
			row->answer = ledger_judge(row, key);
			return 0;
		}
	}
	return fault_set(why, EX_SOFTWARE, "ledger 'sqlite:%s': refused a row without a reason",
			 self->place);
}

/* As many as one statement takes, up to the first that is refused. How many have their answer, or -1. */
static int keep_some(struct sqlite_ledger *self, struct ledger_row *row, size_t count,
		     struct fault *why)
{
	const bool many = count >= LEDGER_SQLITE_MANY;
	sqlite3_stmt *insert = self->statement[many ? KEEP_MANY : KEEP];
	int code, kept;

	bind_rows(insert, row, many ? LEDGER_SQLITE_MANY : 1);
	sqlite3_step(insert);
	code = sqlite3_reset(insert);
	if (code != SQLITE_OK && sqlite3_extended_errcode(self->db) != SQLITE_CONSTRAINT_UNIQUE)
		return ledger_sqlite_fault(self, code, why);
	kept = sqlite3_changes(self->db);
	for (int i = 0; i < kept; i++) {
		row[i].answer = LEDGER_KEPT;
		row[i].delivered_us = 0;
	}
	if (code == SQLITE_OK)
		return kept;
	return find(self, &row[kept], why) < 0 ? -1 : kept + 1;
}

static int sqlite_keep(struct ledger *ledger, struct ledger_row *row, size_t count,
		       struct fault *why)
{
	struct sqlite_ledger *self = of(ledger);

	assert(!sqlite3_get_autocommit(self->db));
	for (size_t i = 0; i < count;) {
		int answered = keep_some(self, row + i, count - i, why);

		if (answered < 0)
			return -1;
		i += (size_t)answered;
	}
	return 0;
}

static int64_t sqlite_mark(struct ledger *ledger, const char *id, const struct ledger_mark *mark,
			   size_t count, struct fault *why)
{
	struct sqlite_ledger *self = of(ledger);
	sqlite3_stmt *update = self->statement[MARK];
	int64_t met = 0;

	assert(!sqlite3_get_autocommit(self->db));
	for (size_t i = 0; i < count; i++) {
		int code;

		bind_text(update, 1, id);
		sqlite3_bind_int64(update, 2, mark[i].ticket);
		bind_text(update, 3, ledger_state_word(mark[i].state));
		sqlite3_bind_int64(update, 4, mark[i].delivered_us);
		code = sqlite3_step(update);
		sqlite3_reset(update);
		if (code != SQLITE_DONE)
			return ledger_sqlite_fault(self, code, why);
		met += sqlite3_changes(self->db);
	}
	return met;
}

static int sqlite_each(struct ledger *ledger, const char *id,
		       int (*visit)(void *, const struct ledger_row *, struct fault *), void *self,
		       struct fault *why)
{
	struct sqlite_ledger *from = of(ledger);
	sqlite3_stmt *query = from->statement[EACH];
	struct ledger_row row = {0};
	int code, result = 0;

	bind_text(query, 1, id);
	while (result == 0 && (code = sqlite3_step(query)) == SQLITE_ROW) {
		row.foreign = !read_row(query, &row);
		result = visit(self, &row, why);
	}
	if (result == 0 && code != SQLITE_DONE)
		result = ledger_sqlite_fault(from, code, why);
	sqlite3_reset(query);
	return result;
}

static void read_run(sqlite3_stmt *query, struct run *run)
{
	int64_t *const number[] = {&run->in, &run->done, &run->already, &run->refused, &run->dead};

	*run = (struct run){0};
	column_text(query, 0, run->run, sizeof run->run);
	column_text(query, 1, run->tool, sizeof run->tool);
	column_text(query, 2, run->status, sizeof run->status);
	for (int i = 0; i < 5; i++)
		*number[i] = sqlite3_column_int64(query, 3 + i);
}

static int sqlite_each_run(struct ledger *ledger, const char *id,
			   int (*visit)(void *, const struct run *, struct fault *), void *self,
			   struct fault *why)
{
	struct sqlite_ledger *from = of(ledger);
	sqlite3_stmt *query = from->statement[EACH_RUN];
	int code, result = 0;
	struct run run;

	bind_text(query, 1, id);
	while (result == 0 && (code = sqlite3_step(query)) == SQLITE_ROW) {
		read_run(query, &run);
		result = visit(self, &run, why);
	}
	if (result == 0 && code != SQLITE_DONE)
		result = ledger_sqlite_fault(from, code, why);
	sqlite3_reset(query);
	return result;
}

static int sqlite_run(struct ledger *ledger, const struct run *run, struct fault *why)
{
	struct sqlite_ledger *self = of(ledger);
	sqlite3_stmt *replace = self->statement[RUN];
	const char *texts[] = {run->run, run->tool, run->host, run->event, run->id, run->status};
	int64_t numbers[] = {run->started_us, run->ended_us, run->in,	run->done,
			     run->already,    run->refused,  run->dead, run->retried};
	int at = 1;
	int code;

	assert(!sqlite3_get_autocommit(self->db));
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		bind_text(replace, at++, texts[i]);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		sqlite3_bind_int64(replace, at++, numbers[i]);
	bind_text(replace, at, run->error);
	code = sqlite3_step(replace);
	sqlite3_reset(replace);
	return code == SQLITE_DONE ? 0 : ledger_sqlite_fault(self, code, why);
}

static int sqlite_abandon(struct ledger *ledger, const struct run *run, int64_t before_us,
			  struct fault *why)
{
	struct sqlite_ledger *self = of(ledger);
	sqlite3_stmt *update = self->statement[ABANDON];
	int code;

	bind_text(update, 1, run->id);
	bind_text(update, 2, run->event);
	sqlite3_bind_int64(update, 3, before_us);
	code = sqlite3_step(update);
	sqlite3_reset(update);
	return code == SQLITE_DONE ? 0 : ledger_sqlite_fault(self, code, why);
}

int ledger_sqlite_open(const char *place, bool to_read, struct ledger **ledger, struct fault *why)
{
	static const struct ledger_backend backend = {
		.close = sqlite_close,
		.begin = sqlite_begin,
		.commit = sqlite_commit,
		.rollback = sqlite_rollback,
		.keep = sqlite_keep,
		.mark = sqlite_mark,
		.run = sqlite_run,
		.each = sqlite_each,
		.each_run = sqlite_each_run,
		.abandon = sqlite_abandon,
	};
	struct sqlite_ledger *self;

	if (place[0] == '\0')
		return fault_set(why, EX_USAGE, "ledger 'sqlite:' names no file");
	self = calloc(1, sizeof *self);
	if (self)
		self->place = strdup(place);
	if (!self || !self->place) {
		free(self);
		return fault_set(why, EX_OSERR, "out of memory");
	}
	self->ledger.backend = &backend;
	if (ledger_sqlite_set_up(self, to_read, why) < 0) {
		sqlite_close(&self->ledger);
		return -1;
	}
	*ledger = &self->ledger;
	return 0;
}
