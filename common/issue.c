#include "issue.h"

#include "chunk.h"
#include "clock.h"
#include "revoked.h"
#include "takeover.h"
#include "turns.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct work {
	const struct issue *i;
	struct desk desk;
	struct turns turns;
	int64_t told_ms; /* when the ledger was last told of revokes */
};

enum { TELL_MS = 10000 };

/* --- partitions, taken over and kept ---------------------------------------------------------- */

static int claim(void *self, const struct span *span, size_t count, struct fault *why)
{
	struct work *w = self;
	struct takeover t = {.redis = w->i->redis, .prefix = w->i->prefix, .source = w->i->source};
	char line[160];

	if (takeover(&t, span, count, why) < 0)
		return -1;
	snprintf(line, sizeof line,
		 "%" PRId64 " codes were out already, and are marked so; %" PRId64
		 " were given up, and are parked; %" PRId64 " are not out, their records are gone",
		 t.done, t.parked, t.lifted);
	if (t.done + t.parked + t.lifted > 0)
		w->i->control->note(line);
	return 0;
}

static int tend_books(struct work *w, struct fault *why)
{
	return books_due(&w->desk.books) ? books_tend(&w->desk.books, w->i->redis, why) : 0;
}

static int tend(void *self, struct fault *why)
{
	struct work *w = self;

	return w->i->source->tend(w->i->source, why) < 0 ? -1 : tend_books(w, why);
}

/* While Redis is waited for. What tend finds wrong shows at the next take, too. */
static void tend_waiting(void *self)
{
	struct work *w = self;
	struct fault ignored;

	w->i->source->tend(w->i->source, &ignored);
}

/* While something is delivered: not for others, if the partitions are theirs now. */
static int tend_chunk(void *self, struct fault *why)
{
	struct work *w = self;

	if (tend(self, why) < 0)
		return -1;
	return w->i->source->lost(w->i->source)
		       ? fault_set(why, EX_TEMPFAIL, "the group has shared out its partitions anew")
		       : 0;
}

/* --- the ledger and revokes --------------------------------------------------------------------- */

static void say_marked(const struct work *w, int64_t marked)
{
	char line[96];

	snprintf(line, sizeof line,
		 "%" PRId64 " rows of the ledger were revoked, and are marked so", marked);
	if (marked > 0)
		w->i->control->note(line);
}

/* Of all events, once a run: a revoke may be the last that happens to its event. With nothing under way. */
static int tell_ledger(struct work *w, struct fault *why)
{
	const struct issue *i = w->i;
	int64_t marked = i->ledger ? revoked_tell_all(i->redis, i->prefix, i->ledger, why) : 0;

	say_marked(w, marked);
	return marked < 0 ? -1 : 0;
}

/* Before we wait, what a run that lasts has issued. What goes wrong here is told of at the end, if it is
 * wrong then, too. */
static void tell_now_and_then(struct work *w)
{
	const struct books *b = &w->desk.books;
	int64_t marked = 0;
	struct fault ignored;

	if (!w->i->ledger || clock_ms() - w->told_ms < TELL_MS)
		return;
	for (size_t i = 0; i < b->count && marked >= 0; i++) {
		marked = revoked_tell(w->i->redis, &b->book[i]->place, w->i->ledger,
				      &b->book[i]->told, &ignored);
		say_marked(w, marked);
	}
	w->told_ms = clock_ms();
}

/* --- chunks ----------------------------------------------------------------------------------- */

/* 1 at the end, 0, -1. Before waiting for more, nothing is left under way. */
static int at_end(struct work *w, struct fault *why)
{
	int outcome;

	if (tend_books(w, why) < 0)
		return -1;
	if (!w->i->source->idle(w->i->source))
		return 0;
	outcome = turns_settle(&w->turns, why);
	if (outcome != COMMITTED)
		return outcome < 0 ? -1 : turns_start_over(&w->turns, why);
	if (redis_settle(w->i->redis, 0, why) < 0)
		return -1;
	tell_now_and_then(w);
	return w->i->source->ended(w->i->source, why);
}

static int check_marks(const struct work *w, struct fault *why)
{
	if (w->desk.failed)
		*why = w->desk.fault;
	return w->desk.failed ? -1 : 0;
}

/* Who is asked to stop brings to its end what is begun. */
static int chunks(struct work *w, struct fault *why)
{
	struct turns *t = &w->turns;
	int end = 0, outcome;

	while (!end && !desk_spoilt(&w->desk, 0) && (t->begun || !w->i->control->stopping())) {
		end = t->begun ? tend_books(w, why) : at_end(w, why);
		if (end == 0)
			end = turns_step(t, why);
		if (end == 0)
			end = check_marks(w, why);
	}
	if (end < 0)
		return -1;
	outcome = turns_settle(t, why);
	if (outcome < 0 || redis_settle(w->i->redis, 0, why) < 0)
		return -1;
	return check_marks(w, why);
}

/* --- a run ------------------------------------------------------------------------------------ */

static int prepare(struct work *w, struct fault *why)
{
	const struct issue *i = w->i;

	w->desk = (struct desk){.issue = i, .waiting = tend_chunk, .waiting_self = w};
	w->told_ms = clock_ms();
	books_init(&w->desk.books, i->bus, i->prefix);
	w->desk.books.source = i->source;
	w->desk.books.ledger = i->ledger;
	w->desk.books.exclusive = i->exclusive;
	i->sink->waiting = tend;
	i->sink->waiting_self = w;
	redis_on_wait(i->redis, tend_waiting, w);
	i->source->claim = claim;
	i->source->claim_self = w;
	if (turns_init(&w->turns, &w->desk, i->chunk, why) < 0)
		return -1;
	return step_init(&w->desk.step, AWARD_ARGS(i->chunk), why);
}

static void release(struct work *w)
{
	books_release(&w->desk.books);
	turns_release(&w->turns);
	step_release(&w->desk.step);
	buffer_release(&w->desk.record);
	w->i->sink->waiting = NULL;
	w->i->source->claim = NULL;
	redis_on_wait(w->i->redis, NULL, NULL);
}

static int failed(struct work *w, const struct fault *why)
{
	struct fault ignored;

	turns_settle(&w->turns, &ignored); /* what was begun before it failed may be out */
	redis_settle(w->i->redis, 0, &ignored);
	books_blame(&w->desk.books, why);
	books_keep(&w->desk.books, w->i->redis, w->i->ledger, w->i->control, "failed", &ignored);
	return -1;
}

static int ended(struct work *w, struct fault *why)
{
	const struct issue *i = w->i;
	bool stopped = i->control->stopping(), spoilt = desk_spoilt(&w->desk, 0);
	char line[128];
	int told = tell_ledger(w, why);
	struct fault ignored;

	if (told < 0)
		books_blame(&w->desk.books, why);
	if (books_keep(&w->desk.books, i->redis, i->ledger, i->control,
		       spoilt || told < 0 ? "failed"
		       : stopped	  ? "stopped"
					  : "completed",
		       told < 0 ? &ignored : why) < 0 ||
	    told < 0)
		return -1;
	snprintf(line, sizeof line,
		 "more than %" PRId64 " dead records: ended early, as --skip-limit says",
		 i->skip_limit);
	if (spoilt)
		i->control->complain(line);
	return spoilt ? STATUS_NO : books_dead(&w->desk.books) > 0 ? EX_DATAERR : STATUS_YES;
}

int issue_run(const struct issue *i, struct fault *why)
{
	struct work w = {.i = i};
	int result = prepare(&w, why);

	if (result == 0)
		result = chunks(&w, why) < 0 ? failed(&w, why) : ended(&w, why);
	release(&w);
	return result;
}
