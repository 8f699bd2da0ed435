#include "ledger_file.h"
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OTHER_ID "1f8fad5b-d9cb-469f-a165-70867728950e"

enum { WRITERS = 8, ROWS_EACH = 50, OPENINGS = 30 };

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
	refused("", EX_USAGE, "write sqlite:PATH", "an empty URL");
	refused("mysql://u:secret@h/db", EX_USAGE, "write sqlite:PATH", "a foreign URL");
	refused("sqlite:", EX_USAGE, "names no file", "a URL without a place");
	use_file("missing/folder.db");
	refused(url, EX_OSERR, "No such file or directory", "a folder that is missing");
	snprintf(url, sizeof url, "sqlite:%s", folder);
	refused(url, EX_OSERR, "unable to open", "a folder instead of a file");
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

/* Runs work in WRITERS processes that start at the same moment; how many failed. */
static int together(int (*work)(int writer))
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

static void same_row(const struct issued *found, const struct issued *expected, const char *name)
{
	ok(strcmp(found->winner.event, expected->winner.event) == 0 &&
		   strcmp(found->winner.id, expected->winner.id) == 0 &&
		   strcmp(found->winner.user, expected->winner.user) == 0 &&
		   strcmp(found->code, expected->code) == 0 &&
		   found->winner.ticket == expected->winner.ticket &&
		   found->winner.joined_us == expected->winner.joined_us &&
		   found->winner.granted_us == expected->winner.granted_us &&
		   found->issued_us == expected->issued_us,
	   name);
}

static void test_answers(void)
{
	struct ledger *ledger;
	struct issued kim = row("kim", 1, "A");
	struct issued lee = row("lee", 2, "B");
	struct issued other = row("kim", 1, "A");
	struct issued found = {0};

	use_file("answers.db");
	ledger = open_ledger();
	is_int(keep(ledger, kim, NULL), LEDGER_KEPT, "a new row");
	is_int(keep(ledger, kim, &found), LEDGER_SAME, "P5: the same row again");
	same_row(&found, &kim, "... and it is found");
	is_int(keep(ledger, kim, NULL), LEDGER_SAME, "the same where nobody asks for it");
	is_int(keep(ledger, row("kim", 1, "C"), &found), LEDGER_OTHER_CODE, "another code");
	same_row(&found, &kim, "... and the ledger's is found");
	is_int(keep(ledger, lee, NULL), LEDGER_KEPT, "a second person");
	is_int(keep(ledger, row("kim", 1, "B"), &found), LEDGER_OTHER_CODE,
	       "another code, which is taken as well");
	is_int(keep(ledger, row("park", 3, "B"), &found), LEDGER_CODE_TAKEN,
	       "a code that is taken");
	same_row(&found, &lee, "... by the row found");
	is_int(keep(ledger, row("park", 1, "D"), &found), LEDGER_CONFLICT, "another's ticket");
	same_row(&found, &kim, "... the row found");
	is_int(keep(ledger, row("kim", 4, "D"), &found), LEDGER_CONFLICT, "a second live ticket");
	same_row(&found, &kim, "... the row found");
	is_int(keep(ledger, row("kim", 4, "B"), &found), LEDGER_CONFLICT,
	       "a second ticket with a code that is taken: a new code would not help");
	same_row(&found, &kim, "... the person's row is found");
	memcpy(other.winner.id, OTHER_ID, sizeof OTHER_ID);
	is_int(keep(ledger, other, NULL), LEDGER_KEPT, "all the same in another event");
	is_str(ask("SELECT count(*) FROM issued"), "3", "three rows");
	ledger_close(ledger);
}

static void test_returned(void)
{
	struct ledger *ledger;
	struct issued found;

	use_file("returned.db");
	ledger = open_ledger();
	keep(ledger, row("kim", 1, "A"), NULL);
	is_int(ledger_returned(ledger, ID, &(struct fault){0}), 0, "nothing is returned");
	is_int(mark(ledger, 1, LEDGER_RETURNED, 0), 1, "a row is returned");
	is_int(mark(ledger, 1, LEDGER_RETURNED, 0), 0, "... once");
	is_int(mark(ledger, 1, LEDGER_ISSUED, 5), 0, "... for ever");
	is_int(ledger_returned(ledger, ID, &(struct fault){0}), 1, "... and counted");
	is_int(ledger_returned(ledger, OTHER_ID, &(struct fault){0}), 0, "... in its event");
	is_int(keep(ledger, row("kim", 1, "A"), &found), LEDGER_CONFLICT,
	       "a row that was returned");
	is_int(found.winner.ticket, 1, "... is found");
	is_int(keep(ledger, row("lee", 2, "A"), &found), LEDGER_CODE_TAKEN, "its code stays taken");
	is_int(keep(ledger, row("kim", 3, "B"), NULL), LEDGER_KEPT,
	       "its person may have another ticket");
	by_hand("UPDATE issued SET code = hex(zeroblob(100)) WHERE ticket = 3");
	ok(ledger_begin(ledger, &(struct fault){0}) == 0, "a row that does not fit");
	is_int(keep_one(ledger, &(struct issued){.winner = {.id = ID, .ticket = 3}}, NULL,
			&(struct fault){0}),
	       -1, "... is not cut and believed");
	ledger_close(ledger);
}

static void test_marks(void)
{
	struct ledger *ledger;
	struct issued kim = row("kim", 1, "A");
	struct ledger_row found = {.issued = &kim};
	struct fault why;

	use_file("marks.db");
	ledger = open_ledger();
	keep(ledger, kim, NULL);
	is_int(mark(ledger, 2, LEDGER_PARKED, 0), 0, "a ticket that is not there");
	is_int(mark(ledger, 1, LEDGER_PARKED, 0), 1, "parked");
	is_str(ask("SELECT state FROM issued"), "parked", "... in the file");
	is_int(keep(ledger, row("kim", 2, "B"), NULL), LEDGER_CONFLICT, "... it is live");
	is_str(ask("SELECT state FROM issued"), "parked", "... and stays so");
	ledger_begin(ledger, &why);
	is_int(ledger_keep(ledger, &found, 1, &why), 0, "kept again");
	ledger_commit(ledger, &why);
	ok(found.answer == LEDGER_SAME && found.state == LEDGER_PARKED, "... it was parked");
	is_str(ask("SELECT state||ifnull(delivered_us, '-') FROM issued"), "issued-",
	       "... and is issued anew");
	is_int(mark(ledger, 1, LEDGER_ISSUED, 7), 1, "delivered");
	is_int(mark(ledger, 1, LEDGER_ISSUED, 9), 1, "... twice");
	is_int(mark(ledger, 1, LEDGER_PARKED, 0), 0, "... and not parked any more");
	is_str(ask("SELECT state||delivered_us FROM issued"), "issued7", "the first time stays");
	ledger_begin(ledger, &why);
	is_int(ledger_keep(ledger, &found, 1, &why), 0, "kept again");
	ledger_rollback(ledger);
	is_int(found.delivered_us, 7, "... and the time is told");
	ledger_close(ledger);
}

static void test_chunk(void)
{
	struct issued issued[] = {row("a", 1, "A"), row("b", 2, "B"), row("c", 3, "A"),
				  row("b", 2, "B"), row("d", 5, "D")};
	const enum ledger_answer expected[] = {LEDGER_SAME, LEDGER_KEPT, LEDGER_CODE_TAKEN,
					       LEDGER_SAME, LEDGER_KEPT};
	enum { COUNT = sizeof issued / sizeof *issued };
	struct ledger_row rows[COUNT];
	struct ledger *ledger;
	struct fault why;
	int wrong = 0;

	use_file("chunk.db");
	ledger = open_ledger();
	keep(ledger, issued[0], NULL);
	for (int i = 0; i < COUNT; i++)
		rows[i].issued = &issued[i];
	ledger_begin(ledger, &why);
	is_int(ledger_keep(ledger, rows, COUNT, &why), 0, "many at once");
	is_int(ledger_keep(ledger, NULL, 0, &why), 0, "... and none");
	ledger_commit(ledger, &why);
	for (int i = 0; i < COUNT; i++)
		wrong += rows[i].answer != expected[i];
	is_int(wrong, 0, "... each has its answer");
	is_int(rows[2].found.winner.ticket, 1, "... and the row that is there");
	is_str(ask("SELECT group_concat(ticket, '') FROM (SELECT ticket FROM issued ORDER BY 1)"),
	       "125", "three rows");
	ledger_close(ledger);
}

static void test_transactions(void)
{
	struct ledger *ledger;
	struct issued kim = row("kim", 1, "A");
	struct fault why;

	use_file("transactions.db");
	ledger = open_ledger();
	ledger_rollback(ledger);
	ledger_begin(ledger, &why);
	is_int(keep_one(ledger, &kim, NULL, &why), LEDGER_KEPT, "kept");
	is_int(keep_one(ledger, &kim, NULL, &why), LEDGER_SAME, "the same in the same chunk");
	is_str(ask("SELECT count(*) FROM issued"), "0", "nobody sees it before the commit");
	ledger_rollback(ledger);
	is_int(keep(ledger, kim, NULL), LEDGER_KEPT, "rolled back and kept again");
	ledger_begin(ledger, &why);
	kim = row("lee", 2, "B");
	keep_one(ledger, &kim, NULL, &why);
	ledger_close(ledger);
	is_str(ask("SELECT count(*) FROM issued"), "1", "closed before the commit leaves nothing");
}

static void test_killed(void)
{
	struct ledger *ledger;
	pid_t child;

	use_file("killed.db");
	fflush(stdout);
	child = fork();
	if (child == 0) {
		struct issued kim = row("kim", 1, "A");
		struct fault why;

		ledger = open_ledger();
		keep(ledger, row("lee", 2, "B"), NULL);
		ledger_begin(ledger, &why);
		keep_one(ledger, &kim, NULL, &why);
		raise(SIGKILL);
	}
	waitpid(child, NULL, 0);
	ledger = open_ledger();
	is_int(keep(ledger, row("kim", 1, "A"), NULL), LEDGER_KEPT,
	       "P8: killed before the commit leaves nothing");
	is_int(keep(ledger, row("lee", 2, "B"), NULL), LEDGER_SAME,
	       "P8: ... what was committed stays");
	ledger_close(ledger);
}

static int write_rows(int writer)
{
	struct ledger *ledger = open_ledger();
	int failed = !ledger;

	for (int i = 0; ledger && i < ROWS_EACH; i++) {
		int64_t ticket = writer * ROWS_EACH + i + 1;
		char name[40];

		snprintf(name, sizeof name, "p%lld", (long long)ticket);
		failed += keep(ledger, row(name, ticket, name), NULL) != LEDGER_KEPT;
	}
	ledger_close(ledger);
	return failed > 0;
}

static void test_writers(void)
{
	char count[20];

	use_file("writers.db");
	is_int(together(write_rows), 0, "eight processes make and fill one ledger at once");
	snprintf(count, sizeof count, "%d", WRITERS * ROWS_EACH);
	is_str(ask("SELECT count(*) FROM issued"), count, "... and all rows are there");
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

static void test_runs(void)
{
	struct ledger *ledger;
	struct fault why = {0};
	struct run run = {"r", "issue", "h", "e", "i", "failed", 1, 2, 3, 4, 5, 6, 7, 8, "err"};

	use_file("runs.db");
	ledger = open_ledger();
	is_int(ledger_run(ledger, &run, &why), 0, "a run's record");
	is_str(ask("SELECT run||tool||host||event||id||status||started_us||ended_us||\"in\"||done||"
		   "already||refused||dead||retried||error FROM runs"),
	       "rissueheifailed12345678err", "... with all its fields");
	run.done = 9;
	is_int(ledger_run(ledger, &run, &why), 0, "the same run again");
	is_str(ask("SELECT count(*)||' '||done FROM runs"), "1 9", "... is replaced");
	run.event[0] = '\0';
	is_int(ledger_run(ledger, &run, &why), 0, "the same run, no event");
	is_str(ask("SELECT count(*) FROM runs"), "2", "... is another record");
	ledger_close(ledger);
}

int main(void)
{
	make_folder();
	test_urls();
	test_foreign_files();
	test_file();
	test_answers();
	test_returned();
	test_marks();
	test_chunk();
	test_migration();
	test_transactions();
	test_killed();
	test_writers();
	test_openers();
	test_locked();
	test_full();
	test_runs();
	remove_folder();
	return done_testing();
}
