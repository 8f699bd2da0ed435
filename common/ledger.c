#include "ledger.h"

#include "ledger_backend.h"

#include <string.h>

enum { UNPARK = 100 };

static const struct kind {
	const char *scheme;
	int (*open)(const char *place, bool to_read, struct ledger **ledger, struct fault *why);
} kinds[] = {
	{"sqlite:", ledger_sqlite_open},
	{"postgresql://", ledger_postgresql_open},
	{"postgres://", ledger_postgresql_open},
};

/* NULL where it is no URL of a ledger. */
static const struct kind *kind_of(const char *url)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strncmp(url, kinds[i].scheme, strlen(kinds[i].scheme)) == 0)
			return &kinds[i];
	return NULL;
}

int ledger_check_url(const char *url, struct fault *why)
{
	if (kind_of(url))
		return 0;
	/* not shown: it may hold a password */
	return fault_set(why, EX_USAGE,
			 "--ledger is no URL of a ledger: write sqlite:PATH or "
			 "postgresql://HOST/DATABASE");
}

static int open_any(const char *url, bool to_read, struct ledger **ledger, struct fault *why)
{
	const struct kind *kind = kind_of(url);

	*ledger = NULL;
	return kind ? kind->open(url + strlen(kind->scheme), to_read, ledger, why)
		    : ledger_check_url(url, why);
}

int ledger_open(const char *url, struct ledger **ledger, struct fault *why)
{
	return open_any(url, false, ledger, why);
}

int ledger_open_to_read(const char *url, struct ledger **ledger, struct fault *why)
{
	return open_any(url, true, ledger, why);
}

/* Nothing else happens on a connection that commits. What became of that, nobody will ask. */
static const struct ledger_backend *forget(struct ledger *ledger)
{
	errand_settle(&ledger->commit);
	return ledger->backend;
}

void ledger_close(struct ledger *ledger)
{
	if (!ledger)
		return;
	errand_end(&ledger->commit);
	ledger->backend->close(ledger);
}

int ledger_begin(struct ledger *ledger, struct fault *why)
{
	return forget(ledger)->begin(ledger, why);
}

int ledger_commit(struct ledger *ledger, struct fault *why)
{
	return ledger->backend->commit(ledger, why);
}

void ledger_rollback(struct ledger *ledger)
{
	forget(ledger)->rollback(ledger);
}

static void commit_posted(void *self)
{
	struct ledger *ledger = self;

	ledger->outcome = ledger->backend->commit(ledger, &ledger->fault);
	if (ledger->outcome < 0)
		ledger->backend->rollback(ledger);
}

int ledger_commit_post(struct ledger *ledger, struct fault *why)
{
	return errand_begin(&ledger->commit, commit_posted, ledger, why);
}

bool ledger_posted(const struct ledger *ledger)
{
	return ledger->commit.begun;
}

bool ledger_busy(struct ledger *ledger)
{
	return errand_busy(&ledger->commit);
}

int ledger_commit_settle(struct ledger *ledger, struct fault *why)
{
	errand_settle(&ledger->commit);
	if (ledger->outcome < 0)
		*why = ledger->fault;
	return ledger->outcome;
}

static bool was_parked(const struct ledger_row *row)
{
	return (row->answer == LEDGER_SAME || row->answer == LEDGER_OTHER_CODE) &&
	       row->state == LEDGER_PARKED;
}

/* What is kept again is given out again: marked as many at a time as there is room for. */
static int unpark(struct ledger *ledger, const struct ledger_row *row, size_t count,
		  struct fault *why)
{
	struct ledger_mark mark[UNPARK];
	size_t marks = 0;

	for (size_t i = 0; i < count; i++) {
		if (was_parked(&row[i]))
			mark[marks++] = (struct ledger_mark){.ticket = row[i].found.winner.ticket,
							     .state = LEDGER_ISSUED};
		if (marks < UNPARK && (i < count - 1 || marks == 0))
			continue;
		if (ledger_mark(ledger, row[i].issued->winner.id, mark, marks, why) < 0)
			return -1;
		marks = 0;
	}
	return 0;
}

int ledger_keep(struct ledger *ledger, struct ledger_row *row, size_t count, struct fault *why)
{
	if (count == 0)
		return 0;
	return ledger->backend->keep(ledger, row, count, why) < 0 ? -1
								  : unpark(ledger, row, count, why);
}

int64_t ledger_mark(struct ledger *ledger, const char *id, const struct ledger_mark *mark,
		    size_t count, struct fault *why)
{
	return count > 0 ? ledger->backend->mark(ledger, id, mark, count, why) : 0;
}

int ledger_each(struct ledger *ledger, const char *id,
		int (*visit)(void *, const struct ledger_row *, struct fault *), void *self,
		struct fault *why)
{
	return ledger->backend->each(ledger, id, visit, self, why);
}

int ledger_each_run(struct ledger *ledger, const char *id,
		    int (*visit)(void *, const struct run *, struct fault *), void *self,
		    struct fault *why)
{
	return ledger->backend->each_run(ledger, id, visit, self, why);
}

int ledger_run(struct ledger *ledger, const struct run *run, struct fault *why)
{
	const struct ledger_backend *backend = ledger->backend;

	errand_wait(&ledger->commit, -1); /* its outcome stays there for who settles it */
	if (backend->begin(ledger, why) == 0 && backend->run(ledger, run, why) == 0 &&
	    (strcmp(run->status, "running") != 0 ||
	     backend->abandon(ledger, run, run->ended_us - LEDGER_STALE_US, why) == 0) &&
	    backend->commit(ledger, why) == 0)
		return 0;
	backend->rollback(ledger);
	return -1;
}

/* --- for the backends ------------------------------------------------------------------------- */

enum ledger_answer ledger_judge(const struct ledger_row *row, enum ledger_key key)
{
	const struct issued *ours = row->issued, *theirs = &row->found;

	if (key == KEY_CODE)
		return LEDGER_CODE_TAKEN;
	if (key == KEY_USER || strcmp(ours->winner.user, theirs->winner.user) != 0)
		return LEDGER_CONFLICT;
	if (row->state == LEDGER_RETURNED)
		return LEDGER_REVOKED;
	return strcmp(ours->code, theirs->code) == 0 ? LEDGER_SAME : LEDGER_OTHER_CODE;
}

static const char *const words[] = {
	[LEDGER_ISSUED] = "issued", [LEDGER_PARKED] = "parked", [LEDGER_RETURNED] = "returned"};

const char *ledger_state_word(enum ledger_state state)
{
	return words[state];
}

bool ledger_state_read(const char *word, enum ledger_state *state)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(word, words[i]) == 0) {
			*state = (enum ledger_state)i;
			return true;
		}
	}
	return false;
}
