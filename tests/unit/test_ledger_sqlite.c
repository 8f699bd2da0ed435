#include "ledger_file.h"
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { OPENINGS = 30 };

static void refused(const char *where, int status, const char *part, const char *name)
{
	struct ledger *ledger = (struct ledger *)folder;
	struct fault why = {0};

	is_int(ledger_open(where, &ledger, &why), -1, name);
	ok(!ledger, "... and no ledger");
	is_int(why.status, status, "... its status");
	has_str(why.line, part, "... its reason");
}

static void test_urls(void)
{
	struct ledger *ledger;
	struct fault why;

	refused("", EX_USAGE, "write sqlite:PATH", "an empty URL");
	refused("mysql://u:secret@h/db", EX_USAGE, "write sqlite:PATH", "a foreign URL");
	refused("sqlite:", EX_USAGE, "names no file", "a URL without a place");
	use_file("missing/folder.db");
	refused(url, EX_OSERR, "No such file or directory", "a folder that is missing");
	snprintf(url, sizeof url, "sqlite:%s", folder);
	refused(url, EX_CONFIG, "not a ledger", "a folder instead of a file");
	use_file("fifo");
	mkfifo(path, 0600);
	refused(url, EX_CONFIG, "not a ledger", "a fifo");
	is_int(ledger_open_to_read(url, &ledger, &why), -1, "... which is not waited for");
}

static void test_foreign_files(void)
{
	ssize_t written = 0;
	int fd;

	use_file("text");
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	for (int i = 0; i < 100; i++)
		written += write(fd, "this is no database\n", 20);
	close(fd);
	is_int(written, 2000, "a text file");
	refused(url, EX_CONFIG, "not a database", "a file that is no database");
	use_file("foreign.db");
	by_hand("CREATE TABLE people (name TEXT)");
	refused(url, EX_CONFIG, "not a ledger", "a database of somebody else");
	is_str(ask("PRAGMA journal_mode"), "delete", "... is left as it was");
	use_file("similar.db");
	by_hand("CREATE TABLE issued (x); CREATE TABLE runs (x); CREATE TABLE meta (x);");
	refused(url, EX_CONFIG, "not a ledger", "a database with tables of the same names");
	use_file("newer.db");
	ledger_close(open_ledger());
	by_hand("UPDATE meta SET value = '3'");
	refused(url, EX_CONFIG, "schema 3 is newer", "a newer schema");
	by_hand("UPDATE meta SET value = 'x'");
	refused(url, EX_CONFIG, "not a ledger", "a schema without a number");
}

static void test_file(void)
{
	struct stat file, wal;
	struct ledger *ledger;
	char name[300];
	mode_t before = umask(0);

	use_file("mode.db");
	ledger = open_ledger();
	keep(ledger, row("kim", 1, "A"), NULL);
	snprintf(name, sizeof name, "%s-wal", path);
	ok(stat(path, &file) == 0 && (file.st_mode & 0777) == 0600, "the file's mode is 0600");
	ok(stat(name, &wal) == 0 && (wal.st_mode & 0777) == 0600, "... and its log's");
	is_str(ask("PRAGMA journal_mode"), "wal", "WAL");
	is_str(ask("SELECT max(rowid) FROM issued"), "1", "issued has rowids");
	is_str(ask("SELECT value FROM meta"), "2", "the schema's version");
	ledger_close(ledger);
	ledger_close(NULL);
	umask(before);
	ok(chdir(folder) == 0, "in the folder");
	snprintf(url, sizeof url, "sqlite::memory:");
	ledger_close(open_ledger());
	ok(access(":memory:", F_OK) == 0, "a name that SQLite gives a meaning is a file");
}

/* As fcfs made it before codes were parked and delivered. */
static const char schema_1[] =
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
	"INSERT INTO meta VALUES ('schema', '1');"
	"INSERT INTO issued VALUES ('" ID "', 'chicken', 2, 'lee', 'B', 100, 200, 300, 'issued');"
	"INSERT INTO issued VALUES ('" ID "', 'chicken', 1, 'kim', 'A', 100, 200, 300, 'returned');"
	"INSERT INTO runs VALUES ('r', 'issue', 'h', 'chicken', 'i', 'completed', 1, 2, 3, 4, 5, 6,"
	" 7, 'err');"
	"PRAGMA journal_mode=WAL;";

/* The tables' columns and the indexes' conditions, as text. */
static void shape(char out[2000])
{
	snprintf(out, 2000, "%s",
		 ask("SELECT (SELECT group_concat(m.name || c.name || c.type || c.\"notnull\""
		     " || c.pk) FROM sqlite_master m, pragma_table_info(m.name) c)"
		     " || (SELECT group_concat(name || ifnull(sql, '')) FROM"
		     " (SELECT * FROM sqlite_master WHERE type = 'index' ORDER BY name))"));
}

static int only_open(int writer)
{
	struct ledger *ledger = open_ledger();

	(void)writer;
	ledger_close(ledger);
	return !ledger;
}

static void test_migration(void)
{
	struct ledger *ledger;
	char fresh[2000], migrated[2000];

	use_file("fresh.db");
	ledger_close(open_ledger());
	shape(fresh);
	use_file("schema1.db");
	is_int(by_hand(schema_1), 0, "a ledger of schema 1");
	is_int(together(only_open), 0, "eight processes bring it up to date at once");
	shape(migrated);
	is_str(migrated, fresh, "... it is as a new one");
	ledger = open_ledger();
	is_str(ask("SELECT group_concat(ticket || \"user\" || code || state) FROM issued"),
	       "2leeBissued,1kimAreturned", "... its rows are there, in their order");
	is_str(ask("SELECT done || error || retried FROM runs"), "4err0", "... and its runs");
	is_int(keep(ledger, row("lee", 2, "B"), NULL), LEDGER_SAME, "... it knows them");
	is_int(keep(ledger, row("kim", 3, "C"), NULL), LEDGER_KEPT, "... and takes more");
	is_int(mark(ledger, 2, LEDGER_PARKED, 0), 1, "... and other states");
	is_int(by_hand("INSERT INTO issued SELECT id, event, 9, \"user\", 'Z', 1, 1, 1, NULL,"
		       " 'issued' FROM issued WHERE ticket = 2"),
	       SQLITE_CONSTRAINT, "... but no second live row of a parked one's person");
	ledger_close(ledger);
}

/* How SQLite finds the rows that a condition names. */
static void plan(const char *condition, char out[200])
{
	char text[300];
	sqlite3_stmt *query = NULL;
	sqlite3 *db;

	snprintf(text, sizeof text, "EXPLAIN QUERY PLAN SELECT * FROM issued WHERE %s", condition);
	snprintf(out, 200, "(none)");
	if (sqlite3_open(path, &db) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, text, -1, &query, NULL) == SQLITE_OK &&
	    sqlite3_step(query) == SQLITE_ROW)
		snprintf(out, 200, "%s", (const char *)sqlite3_column_text(query, 3));
	sqlite3_finalize(query);
	sqlite3_close(db);
}

static void all_found_by_index(void)
{
	char found[200];

	plan("id = 1 ORDER BY ticket", found);
	has_str(found, "USING INDEX issued_ticket (id=?)", "... an event's rows are found");
	plan("id = 1 AND ticket = 2", found);
	has_str(found, "USING INDEX issued_ticket (id=? AND ticket=?)", "... one by ticket");
	plan("id = 1 AND code = 2", found);
	has_str(found, "USING INDEX issued_code (", "... by code");
	has_str(found, "code=?", "... and by all of it");
	plan("id = 1 AND \"user\" = 2 AND state <> 'returned'", found);
	has_str(found, "USING INDEX issued_user (", "... by person");
	has_str(found, "user=?", "... and by all of it");
}

/* Its indexes had the id first once. */
static void test_order_of_columns(void)
{
	struct ledger *ledger;

	use_file("order.db");
	ledger_close(open_ledger());
	all_found_by_index();
	is_int(by_hand("DROP INDEX issued_code; DROP INDEX issued_user;"
		       "CREATE UNIQUE INDEX issued_code ON issued (id, code);"
		       "CREATE UNIQUE INDEX issued_user ON issued (id, \"user\")"
		       " WHERE state <> 'returned'"),
	       0, "a ledger whose indexes have the id first");
	all_found_by_index();
	ledger = open_ledger();
	is_int(keep(ledger, row("kim", 1, "A"), NULL), LEDGER_KEPT, "... takes a row");
	is_int(keep(ledger, row("kim", 1, "B"), NULL), LEDGER_OTHER_CODE, "... knows its ticket");
	is_int(keep(ledger, row("kim", 2, "B"), NULL), LEDGER_CONFLICT, "... its person");
	is_int(keep(ledger, row("lee", 2, "A"), NULL), LEDGER_CODE_TAKEN, "... and its code");
	ledger_close(ledger);
}

static void test_openers(void)
{
	int failed = 0;

	for (int i = 0; i < OPENINGS; i++) {
		char name[20];

		snprintf(name, sizeof name, "opened%d.db", i);
		use_file(name);
		failed += together(only_open);
	}
	is_int(failed, 0, "eight processes open a new ledger at once, again and again");
}

static void test_locked(void)
{
	struct ledger *ledger, *other;
	struct fault why = {0};
	char line[400];
	time_t before;

	use_file("locked.db");
	ledger = open_ledger();
	other = open_ledger();
	ok(ledger_begin(ledger, &why) == 0, "one writer");
	before = time(NULL);
	is_int(ledger_begin(other, &why), -1, "another one");
	ok(time(NULL) - before >= 4, "... waits five seconds");
	is_int(why.status, EX_TEMPFAIL, "... and is told to try again");
	snprintf(line, sizeof line, "ledger '%s': database is locked by another writer, try again",
		 url);
	is_str(why.line, line, "... in these words");
	is_int(ledger_commit(ledger, &why), 0, "the first commits");
	is_int(ledger_begin(other, &why), 0, "then it is the other's turn");
	ledger_close(other);
	ledger_close(ledger);
}

/* Keeps chunks in a file that may not grow beyond 256 KiB; the status of the fault. */
static int fill(void)
{
	struct rlimit limit = {256 << 10, 256 << 10};
	struct ledger *ledger = open_ledger();
	struct fault why = {0};

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	for (int i = 1; why.status == 0 && i < 100000; i++) {
		char name[20];
		struct issued issued;

		snprintf(name, sizeof name, "p%d", i);
		issued = row(name, i, name);
		if (ledger_begin(ledger, &why) == 0 &&
		    keep_one(ledger, &issued, NULL, &why) == LEDGER_KEPT)
			ledger_commit(ledger, &why);
	}
	ledger_rollback(ledger);
	ledger_close(ledger);
	return why.status;
}

static void test_full(void)
{
	struct ledger *ledger;
	int status;

	use_file("full.db");
	fflush(stdout);
	if (fork() == 0)
		_exit(fill());
	wait(&status);
	is_int(WEXITSTATUS(status), EX_OSERR, "a file that cannot grow is the system's fault");
	ledger = open_ledger();
	is_int(keep(ledger, row("p1", 1, "p1"), NULL), LEDGER_SAME, "... what was kept stays");
	is_int(keep(ledger, row("kim", 100001, "A"), NULL), LEDGER_KEPT, "... and work goes on");
	ledger_close(ledger);
}

static void test_failed_post(void)
{
	struct issued kim = row("kim", 1, "A");
	struct ledger *ledger;
	struct fault why = {0};
	char aside[300];

	use_file("moved.db");
	snprintf(aside, sizeof aside, "%s.aside", path);
	ledger = open_ledger();
	ledger_begin(ledger, &why);
	keep_one(ledger, &kim, NULL, &why);
	rename(path, aside);
	ledger_commit_post(ledger, &why);
	is_int(ledger_commit_settle(ledger, &why), -1, "a posted commit may fail");
	is_int(why.status, EX_OSERR, "... its fault is told");
	rename(aside, path);
	is_int(ledger_begin(ledger, &why), 0, "... its transaction is rolled back");
	is_int(keep_one(ledger, &kim, NULL, &why), LEDGER_KEPT, "... and nothing of it is there");
	rename(path, aside);
	ledger_commit_post(ledger, &why);
	while (ledger_busy(ledger))
		usleep(1000);
	rename(aside, path);
	is_int(ledger_begin(ledger, &why), 0, "so it is where nobody settles it");
	ledger_close(ledger);
}

int main(void)
{
	make_folder();
	test_urls();
	test_foreign_files();
	test_file();
	test_migration();
	test_order_of_columns();
	test_openers();
	test_locked();
	test_full();
	test_failed_post();
	remove_folder();
	return done_testing();
}
