#include "audit_db.h"

#include "code.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const char tables_sql[], indexes_sql[], rebuild_sql[], views_sql[], promises_sql[];

/* SQLite asks about stopping after so many of its instructions. */
enum { STEPS = 100000 };

struct audit_db {
	const struct control *control;
	sqlite3 *sqlite;
	sqlite3_stmt *insert[AUDIT_TABLES];
	sqlite3_stmt *row; /* of them: the one in the making */
	int bound;
	bool codes; /* are kept as they are */
	unsigned char seed[CODE_DIGEST];
};

/* One transaction, never rolled back: who is killed has no file any more. */
static const char settings[] = "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
			       "PRAGMA cache_size=-3072; PRAGMA temp_store=FILE; BEGIN";

#define JSON(field) "json_extract(?4, '$." field "')"
#define OURS(type) " WHERE json_valid(?4) AND " JSON("id") " = ?1 AND " JSON("type") " = '" type "'"
#define TICKET "?2, ?3, " JSON("ticket") ", " JSON("user") ", ?5, "

static const char *const inserts[AUDIT_TABLES] = {
	[AUDIT_FIELD] = "INSERT OR REPLACE INTO field VALUES (?, ?)",
	[AUDIT_SIZE] = "INSERT OR REPLACE INTO size VALUES (?, ?)",
	[AUDIT_LINE] =
		"INSERT INTO line VALUES (?1, ?2, ?3, nullif(?4, 0),"
		" ?5, ?6, ?7, digest(nullif(?8, '')),"
		" ?9, ?10, digest(?11),"
		" substr(?12, 1, instr(?12 || ':', ':') - 1), nullif(substr(?12, instr(?12 || ':', ':') + 1), ''),"
		" nullif(?13, '-'), nullif(?14, '-'), ?15, ?16, digest(?17))",
	[AUDIT_POOL] = "INSERT INTO pool VALUES (digest(?1), ?2)",
	[AUDIT_RUN] =
		"INSERT INTO run SELECT json ->> 'run', json ->> 'tool', json ->> 'status', json ->> 'in',"
		" json ->> 'done', json ->> 'already', json ->> 'refused', json ->> 'dead'"
		" FROM (SELECT iif(json_valid(?1), ?1, '{}') AS json)",
	[AUDIT_REQUEST] = "INSERT INTO request SELECT " TICKET JSON("joined_us") OURS("request"),
	[AUDIT_WINNER] = "INSERT INTO winner SELECT " TICKET JSON("joined_us") ", " JSON(
		"granted_us") ", max(?6, 0)" OURS("winner"),
	[AUDIT_ISSUED] = "INSERT INTO issued SELECT " TICKET JSON("joined_us") ", " JSON(
		"granted_us") ", " JSON("issued_us") ", digest(" JSON("code") ")" OURS("issued"),
	[AUDIT_ENTRY] = "INSERT INTO entry SELECT ?6, ?2, ?3, ?5, " JSON("seq") ", " JSON("at_us") ", " JSON(
		"what") ", " JSON("user") ", " JSON("ticket") ", " JSON("before") ", " JSON("after") ", " JSON("who")
		OURS("log"),
	[AUDIT_LETTER] = "INSERT INTO letter VALUES (?, ?, ?, ?, ?, ?)",
	[AUDIT_PROGRESS] = "INSERT INTO progress VALUES (?, ?, ?, ?)",
	[AUDIT_READER] = "INSERT INTO reader VALUES (?, ?)",
	[AUDIT_LEDGER] = "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, digest(?))",
	[AUDIT_BOOKS] = "INSERT INTO books VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[AUDIT_SOURCE] = "INSERT INTO source VALUES (?, ?)",
};

/* SQLite's own words name tables, never what is in them. */
static int fail(const struct audit_db *db, int code, struct fault *why)
{
	if (code == SQLITE_INTERRUPT)
		return fault_set(why, EX_TEMPFAIL, "asked to stop");
	return fault_set(why, code == SQLITE_ERROR ? EX_SOFTWARE : EX_OSERR,
			 "the audit's temporary file: %s",
			 code == SQLITE_ERROR ? sqlite3_errmsg(db->sqlite) : sqlite3_errstr(code));
}

static int execute(struct audit_db *db, const char *sql, struct fault *why)
{
	int code = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : fail(db, code, why);
}

/* digest(CODE): NULL of NULL; the code itself where codes are kept. */
static void digest(sqlite3_context *context, int count, sqlite3_value **value)
{
	const struct audit_db *db = sqlite3_user_data(context);
	const unsigned char *code = sqlite3_value_text(*value);
	unsigned char out[CODE_DIGEST];

	(void)count;
	if (db->codes)
		sqlite3_result_value(context, *value);
	if (!code || db->codes)
		return;
	memcpy(out, db->seed, sizeof out);
	code_chain(out, code, (size_t)sqlite3_value_bytes(*value));
	sqlite3_result_blob(context, out, sizeof out, SQLITE_TRANSIENT);
}

static int stopping(void *self)
{
	const struct audit_db *db = self;

	return db->control->stopping();
}

/* Of no name: SQLite makes the file when the cache is full, and unlinks it at once. */
static int set_up(struct audit_db *db, struct fault *why)
{
	char seed[CODE_UUID_LEN + 1];
	int code = sqlite3_open_v2("", &db->sqlite,
				   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
				   NULL);

	if (code == SQLITE_OK)
		code = sqlite3_create_function(db->sqlite, "digest", 1,
					       SQLITE_UTF8 | SQLITE_DETERMINISTIC, db, digest, NULL,
					       NULL);
	if (code != SQLITE_OK)
		return fail(db, code, why);
	code_uuid(seed);
	code_chain(db->seed, seed, strlen(seed));
	sqlite3_progress_handler(db->sqlite, STEPS, stopping, db);
	if (execute(db, settings, why) < 0 || execute(db, tables_sql, why) < 0)
		return -1;
	for (int i = 0; i < AUDIT_TABLES; i++) {
		code = sqlite3_prepare_v3(db->sqlite, inserts[i], -1, SQLITE_PREPARE_PERSISTENT,
					  &db->insert[i], NULL);
		if (code != SQLITE_OK)
			return fail(db, code, why);
	}
	return 0;
}

int audit_db_open(const struct control *control, bool codes, struct audit_db **out,
		  struct fault *why)
{
	struct audit_db *db = calloc(1, sizeof *db);

	*out = NULL;
	if (!db)
		return fault_errno(why, EX_OSERR, "audit");
	db->control = control;
	db->codes = codes;
	if (set_up(db, why) < 0) {
		audit_db_close(db);
		return -1;
	}
	*out = db;
	return 0;
}

void audit_db_close(struct audit_db *db)
{
	if (!db)
		return;
	for (int i = 0; i < AUDIT_TABLES; i++)
		sqlite3_finalize(db->insert[i]);
	sqlite3_close(db->sqlite);
	free(db);
}

/* --- rows ------------------------------------------------------------------------------------- */

void audit_row(struct audit_db *db, enum audit_table table)
{
	db->row = db->insert[table];
	db->bound = 0;
	sqlite3_clear_bindings(db->row);
}

void audit_int(struct audit_db *db, int64_t value)
{
	sqlite3_bind_int64(db->row, ++db->bound, value);
}

void audit_text(struct audit_db *db, const char *text, size_t len)
{
	sqlite3_bind_text(db->row, ++db->bound, text, (int)len, SQLITE_STATIC);
}

void audit_none(struct audit_db *db)
{
	sqlite3_bind_null(db->row, ++db->bound);
}

int audit_put(struct audit_db *db, struct fault *why)
{
	int code = sqlite3_step(db->row);

	sqlite3_reset(db->row);
	return code == SQLITE_DONE ? 0 : fail(db, code, why);
}

int audit_db_ready(struct audit_db *db, struct fault *why)
{
	return execute(db, indexes_sql, why) < 0 ? -1 : execute(db, views_sql, why);
}

int audit_db_rebuild(struct audit_db *db, struct fault *why)
{
	if (execute(db, indexes_sql, why) < 0 || execute(db, rebuild_sql, why) < 0)
		return -1;
	return execute(db, views_sql, why);
}

/* --- what is asked of it ------------------------------------------------------------------------ */

static struct audit_value value_at(sqlite3_stmt *query, int column)
{
	struct audit_value value = {.none = sqlite3_column_type(query, column) == SQLITE_NULL,
				    .number = sqlite3_column_int64(query, column)};
	const unsigned char *text = sqlite3_column_text(query, column);

	value.text = text ? (const char *)text : "";
	value.len = (size_t)sqlite3_column_bytes(query, column);
	return value;
}

static int visit_rows(struct audit_db *db, sqlite3_stmt *query,
		      int (*visit)(void *, const struct audit_value *, struct fault *), void *self,
		      struct fault *why)
{
	struct audit_value value[AUDIT_COLUMNS] = {0};
	int code = SQLITE_DONE, result = 0, columns = sqlite3_column_count(query);

	while (result == 0 && (code = sqlite3_step(query)) == SQLITE_ROW) {
		for (int i = 0; i < columns && i < AUDIT_COLUMNS; i++)
			value[i] = value_at(query, i);
		result = visit(self, value, why);
	}
	return result < 0 || code == SQLITE_DONE ? result : fail(db, code, why);
}

int audit_db_rows(struct audit_db *db, const char *sql,
		  int (*visit)(void *, const struct audit_value *, struct fault *), void *self,
		  struct fault *why)
{
	sqlite3_stmt *query;
	int code = sqlite3_prepare_v2(db->sqlite, sql, -1, &query, NULL);
	int result =
		code == SQLITE_OK ? visit_rows(db, query, visit, self, why) : fail(db, code, why);

	sqlite3_finalize(query);
	return result;
}

/* --- the promises ------------------------------------------------------------------------------ */

/* A query of sql/promises.sql. */
struct promise {
	const char *next; /* what comes behind it */
	char name[16];
	bool final, notice;
	char what[128];
	sqlite3_stmt *query;
};

/* Passes over this word, if it is there. */
static bool take_word(const char **text, const char *word)
{
	size_t len = strlen(word);
	bool there = strncmp(*text, word, len) == 0;

	*text += there ? len : 0;
	return there;
}

/* The line "-- P1 words", "-- P1 final: words" or "-- P1 notice: words", the text behind "-- ". */
static void read_heading(struct promise *p, const char *line)
{
	size_t len = strcspn(line, " \n:");

	snprintf(p->name, sizeof p->name, "%.*s", (int)len, line);
	line += len + strspn(line + len, " :");
	p->final = take_word(&line, "final: ");
	p->notice = take_word(&line, "notice: ");
	snprintf(p->what, sizeof p->what, "%.*s", (int)strcspn(line, "\n"), line);
}

static const char *next_heading(const char *text)
{
	const char *promise = strstr(text, "\n-- P"), *compared = strstr(text, "\n-- compared");

	return promise ? promise : compared;
}

/* 1 with the next query, 0 behind the last, -1. */
static int next_promise(struct audit_db *db, struct promise *p, struct fault *why)
{
	const char *at = next_heading(p->next);
	int code;

	sqlite3_finalize(p->query);
	p->query = NULL;
	if (!at)
		return 0;
	read_heading(p, at + strlen("\n-- "));
	code = sqlite3_prepare_v2(db->sqlite, at, -1, &p->query, &p->next);
	return code == SQLITE_OK ? 1 : fail(db, code, why);
}

static int check(struct audit_db *db, struct promise *p, bool final,
		 int (*breach)(void *, const struct audit_breach *, struct fault *), void *self,
		 int64_t *under_way, struct fault *why)
{
	int code, result = 0;

	while (result == 0 && (code = sqlite3_step(p->query)) == SQLITE_ROW) {
		const struct audit_breach found = {.notice = p->notice,
						   .promise = p->name,
						   .what = p->what,
						   .user = value_at(p->query, 0).text,
						   .ticket = value_at(p->query, 1).number,
						   .found = value_at(p->query, 2).text};

		if (p->final && !final)
			++*under_way;
		else
			result = breach(self, &found, why);
	}
	return result < 0 || code == SQLITE_DONE ? result : fail(db, code, why);
}

int audit_db_check(struct audit_db *db, bool final,
		   int (*breach)(void *, const struct audit_breach *, struct fault *), void *self,
		   int64_t *under_way, struct fault *why)
{
	struct promise p = {.next = promises_sql};
	int result;

	*under_way = 0;
	while ((result = next_promise(db, &p, why)) > 0 && p.name[0] == 'P')
		if (check(db, &p, final, breach, self, under_way, why) < 0) {
			result = -1;
			break;
		}
	sqlite3_finalize(p.query);
	return result < 0 ? -1 : 0;
}

int audit_db_counts(struct audit_db *db, void (*count)(void *, const char *, int64_t), void *self,
		    struct fault *why)
{
	struct promise p = {.next = strstr(promises_sql, "\n-- compared")};
	int code = SQLITE_DONE, result = next_promise(db, &p, why);

	while (result > 0 && (code = sqlite3_step(p.query)) == SQLITE_ROW) {
		const struct audit_value value = value_at(p.query, 1);

		count(self, value_at(p.query, 0).text, value.none ? -1 : value.number);
	}
	if (result > 0 && code != SQLITE_DONE)
		result = fail(db, code, why);
	sqlite3_finalize(p.query);
	return result < 0 ? -1 : 0;
}
