/*
 * test_ledger.c - what every ledger does, whatever the database: without arguments an SQLite file; with
 * the argument postgresql the server that PGHOST and the like name, a database a test.
 */
#include "ledger_file.h"
#include "tap.h"

#include <signal.h>
#include <unistd.h>

#define OTHER_ID "1f8fad5b-d9cb-469f-a165-70867728950e"

enum { ROWS_EACH = 50 };

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
	is_int(mark(ledger, 1, LEDGER_RETURNED, 0), 1, "a row is returned");
	is_int(mark(ledger, 1, LEDGER_RETURNED, 0), 0, "... once");
	is_int(mark(ledger, 1, LEDGER_ISSUED, 5), 0, "... for ever");
	is_int(keep(ledger, row("kim", 1, "A"), &found), LEDGER_REVOKED, "a row that was returned");
	is_int(found.winner.ticket, 1, "... is found");
	is_int(keep(ledger, row("kim", 1, "Z"), &found), LEDGER_REVOKED,
	       "... with another code, too");
	is_str(found.code, "A", "... the ledger's is found");
	is_int(keep(ledger, row("lee", 1, "Z"), NULL), LEDGER_CONFLICT, "... but another's ticket");
	is_int(keep(ledger, row("lee", 2, "A"), &found), LEDGER_CODE_TAKEN, "its code stays taken");
	is_int(keep(ledger, row("kim", 3, "B"), NULL), LEDGER_KEPT,
	       "its person may have another ticket");
	for (int doubled = 0; doubled < 8; doubled++)
		by_hand("UPDATE issued SET code = code || code WHERE ticket = 3");
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
	is_str(ask("SELECT state||coalesce(cast(delivered_us AS text), '-') FROM issued"),
	       "issued-", "... and is issued anew");
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
	is_str(ask("SELECT count(*)||' '||sum(ticket) FROM issued"), "3 8", "three rows");
	ledger_close(ledger);
}

/* More than go into one statement, of which some are refused: each has the answer that it has by itself. */
static void test_many(void)
{
	enum { COUNT = 75 };
	static struct issued issued[COUNT];
	static struct ledger_row rows[COUNT];
	const bool there[COUNT] = {
		[0] = true, [19] = true, [20] = true, [33] = true, [34] = true, [74] = true};
	struct ledger *ledger;
	struct fault why;
	char user[16];
	int wrong = 0;

	use_file("many.db");
	ledger = open_ledger();
	for (int i = 0; i < COUNT; i++) {
		snprintf(user, sizeof user, "p%d", i);
		issued[i] = row(user, i + 1, user);
		rows[i] = (struct ledger_row){.issued = &issued[i], .delivered_us = 5};
		if (there[i])
			keep(ledger, issued[i], NULL);
	}
	ledger_begin(ledger, &why);
	is_int(ledger_keep(ledger, rows, COUNT, &why), 0, "many, of which some are there");
	ledger_commit(ledger, &why);
	for (int i = 0; i < COUNT; i++)
		wrong += rows[i].answer != (there[i] ? LEDGER_SAME : LEDGER_KEPT) ||
			 rows[i].delivered_us != 0;
	is_int(wrong, 0, "... each has its answer");
	is_int(rows[33].found.winner.ticket, 34, "... and the row that is there");
	is_str(ask("SELECT count(*)||' '||sum(ticket) FROM issued"), "75 2850",
	       "and all have a row");
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

static void test_posted(void)
{
	struct ledger *ledger;
	struct issued kim = row("kim", 1, "A"), lee = row("lee", 2, "B");
	struct run run = {"r", "issue", "h", "e", "i", "failed", 1, 2, 3, 4, 5, 6, 7, 8, "err"};
	struct fault why;

	use_file("posted.db");
	ledger = open_ledger();
	ledger_begin(ledger, &why);
	keep_one(ledger, &kim, NULL, &why);
	ok(!ledger_posted(ledger), "a commit");
	ledger_commit_post(ledger, &why);
	ok(ledger_posted(ledger), "... is posted");
	is_int(ledger_run(ledger, &run, &why), 0, "... a run's record waits for it");
	ok(ledger_posted(ledger), "... and leaves its outcome");
	is_int(ledger_commit_settle(ledger, &why), 0, "... to be settled");
	ok(!ledger_posted(ledger) && !ledger_busy(ledger), "... once");
	is_str(ask("SELECT count(*) FROM issued"), "1", "... the row is there");
	ledger_begin(ledger, &why);
	keep_one(ledger, &lee, NULL, &why);
	ledger_commit_post(ledger, &why);
	is_int(ledger_begin(ledger, &why), 0, "one that nobody settles is waited for, too");
	ok(!ledger_posted(ledger), "... and forgotten");
	is_int(keep_one(ledger, &lee, NULL, &why), LEDGER_SAME, "... it was done");
	ledger_rollback(ledger);
	is_int(keep(ledger, row("park", 3, "C"), NULL), LEDGER_KEPT, "the next transaction");
	ledger_begin(ledger, &why);
	keep_one(ledger, &(struct issued){0}, NULL, &why);
	ledger_commit_post(ledger, &why);
	ledger_close(ledger);
	is_str(ask("SELECT count(*) FROM issued"), "4", "closing waits for a commit");
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
	is_str(ask("SELECT count(*)||' '||max(done) FROM runs"), "1 9", "... is replaced");
	run.event[0] = '\0';
	is_int(ledger_run(ledger, &run, &why), 0, "the same run, no event");
	is_str(ask("SELECT count(*) FROM runs"), "2", "... is another record");
	snprintf(run.status, sizeof run.status, "running");
	is_int(ledger_run(ledger, &run, &why), 0, "one that is running");
	run.run[0]++;
	run.ended_us += 60000000;
	is_int(ledger_run(ledger, &run, &why), 0, "another, a minute later");
	is_str(ask("SELECT count(*) FROM runs WHERE status = 'abandoned'"), "0", "... both run");
	run.ended_us++;
	is_int(ledger_run(ledger, &run, &why), 0, "... and later");
	is_str(ask("SELECT run||status FROM runs WHERE status IN ('abandoned', 'running')"
		   " ORDER BY run"),
	       postgresql ? "rabandoned\nsrunning" : "rabandoned", "the first is abandoned");
	ledger_close(ledger);
}

int main(int argc, char **argv)
{
	make_folder();
	postgresql = argc > 1 && strcmp(argv[1], "postgresql") == 0;
	test_answers();
	test_returned();
	test_marks();
	test_chunk();
	test_many();
	test_transactions();
	test_posted();
	test_killed();
	test_writers();
	test_runs();
	remove_folder();
	return done_testing();
}
