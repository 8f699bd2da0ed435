#include "issue.h"

#include "chunk.h"
#include "clock.h"
#include "revoked.h"
#include "takeover.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* One whose commit is under way, and behind it those that are begun, as many as the source holds. */
enum { CHUNKS = 1 + TAKES };

struct work {
	const struct issue *i;
	struct desk desk;
	struct chunk chunk[CHUNKS]; /* in turn */
	size_t first, begun;	    /* those that are taken, and are not out */
	struct chunk *out;	    /* NULL: no commit is under way */
	bool waited;		    /* for the last one */
	int64_t taken;
	int64_t told_ms; /* when the ledger was last told of revokes */
};

enum { TELL_MS = 10000, WAITED_MS = 1 };

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
		 " were given up, and are parked; %" PRId64 " are not out, their records were cut",
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

/* --- chunks ----------------------------------------------------------------------------------- */

/* Of those that are begun. */
static struct chunk *nth(struct work *w, size_t n)
{
	return &w->chunk[(w->first + n) % CHUNKS];
}

/* Waits for the commit under way. An enum outcome, or -1. */
static int settle(struct work *w, struct fault *why)
{
	struct chunk *c = w->out;
	int64_t began_ms = clock_ms();
	int outcome;

	if (!c)
		return COMMITTED;
	w->out = NULL;
	outcome = w->desk.sink->settle(w->desk.sink, why);
	w->waited = clock_ms() - began_ms > WAITED_MS;
	if (outcome != COMMITTED)
		return outcome;
	if (chunk_finish(c, &w->desk, why) < 0)
		return -1;
	w->i->control->progress(w->taken += (int64_t)c->count);
	return COMMITTED;
}

/* Nothing that was not committed counts. Fenced, too: our own transaction may have lasted too long;
 * whether another issuer has our place in the group, the group says. */
static int start_over(struct work *w, struct fault *why)
{
	if (settle(w, why) < 0 || redis_settle(w->i->redis, 0, why) < 0)
		return -1;
	w->begun = 0;
	if (w->desk.sink->restart(w->desk.sink, why) < 0)
		return -1;
	return w->i->source->rewind(w->i->source, why);
}

static int settle_or_start_over(struct work *w, struct fault *why)
{
	int outcome = settle(w, why);

	if (outcome == COMMITTED)
		return 0;
	return outcome < 0 ? -1 : start_over(w, why);
}

/* Another is taken ahead, if it is there. Not where commits are waited for anyway: Redis and the ledger
 * in turn leave the brokers a core of their own, and small chunks are out sooner. Not behind an empty
 * one, whose commit is not the source's to hold, nor where codes are delivered: that may take long, and
 * those of the next chunk would be assigned to nobody's use meanwhile. Nor where this one may need the
 * codes of a pool that the next one would hold. */
static bool may_take(struct work *w)
{
	const struct chunk *last = w->begun ? nth(w, w->begun - 1) : NULL;

	if (!last)
		return true;
	return !w->waited && last->count > 0 && last->phase != CHUNK_TAKEN && !last->failed &&
	       w->begun < TAKES && !w->i->deliver && !w->desk.books.swaps &&
	       !w->i->control->stopping() && !w->i->source->idle(w->i->source);
}

static int take(struct work *w, struct fault *why)
{
	struct chunk *c = nth(w, w->begun);
	int count = w->i->source->take(w->i->source, c->raw, c->room,
				       w->begun ? NULL : w->i->control, why);

	if (count < 0)
		return -1;
	if (count == 0 && w->begun)
		return 0;
	chunk_read(c, (size_t)count);
	w->begun++;
	return 0;
}

/* A ticket that is in two chunks must find the first one done, or the offset of its second record
 * would hide that it is out. */
static bool may_ask(struct work *w, const struct chunk *c)
{
	const struct chunk *first = nth(w, 0);

	return c->phase == CHUNK_TAKEN && !(c != first && chunk_shares(c, first)) &&
	       !(w->out && chunk_shares(c, w->out));
}

static int keep(struct work *w, struct chunk *c, struct fault *why)
{
	if (chunk_answers(c, &w->desk, why) < 0 || chunk_keep(c, &w->desk, why) < 0)
		return -1;
	c->phase = CHUNK_KEPT;
	return 0;
}

/* 0; 1 when asked to stop with a chunk that is not all delivered: nothing of it goes out; -1. */
static int send_out(struct work *w, struct chunk *c, struct fault *why)
{
	int delivered = chunk_deliver(c, &w->desk, why);

	if (w->i->source->lost(w->i->source))
		return 0;
	if (delivered == CHUNK_LOST)
		return start_over(w, why);
	if (delivered != 0)
		return delivered;
	if (chunk_put(c, &w->desk, why) < 0 || w->desk.sink->commit(w->desk.sink, why) < 0)
		return -1;
	w->out = c;
	w->first = (w->first + 1) % CHUNKS;
	w->begun--;
	return 0;
}

/* The one step that is next, of one chunk, as send_out answers. */
static int step(struct work *w, struct fault *why)
{
	struct chunk *first = nth(w, 0);

	if (w->i->source->lost(w->i->source))
		return start_over(w, why);
	if (w->begun && may_ask(w, nth(w, w->begun - 1)))
		return chunk_ask(nth(w, w->begun - 1), &w->desk), 0;
	if (may_take(w))
		return take(w, why);
	if (first->phase == CHUNK_ASKED)
		return keep(w, first, why);
	if (w->out)
		return settle_or_start_over(w, why);
	return send_out(w, first, why);
}

static void say_marked(const struct work *w, int64_t marked)
{
	char line[96];

	snprintf(line, sizeof line,
		 "%" PRId64 " rows of the ledger were revoked, and are marked so", marked);
	if (marked > 0)
		w->i->control->note(line);
}

/* Of all events, once a run. With nothing under way. */
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

/* 1 at the end, 0, -1. Before waiting for more, nothing is left under way. */
static int at_end(struct work *w, struct fault *why)
{
	int outcome;

	if (tend_books(w, why) < 0)
		return -1;
	if (!w->i->source->idle(w->i->source))
		return 0;
	outcome = settle(w, why);
	if (outcome != COMMITTED)
		return outcome < 0 ? -1 : start_over(w, why);
	if (redis_settle(w->i->redis, 0, why) < 0)
		return -1;
	tell_now_and_then(w);
	return w->i->source->ended(w->i->source, why);
}

static bool too_many_dead(const struct work *w)
{
	return w->i->skip_limit >= 0 && books_dead(&w->desk.books) > w->i->skip_limit;
}

/* Who is asked to stop brings to its end what is begun. */
static int chunks(struct work *w, struct fault *why)
{
	int end = 0, outcome;

	while (!end && !too_many_dead(w) && (w->begun || !w->i->control->stopping())) {
		end = w->begun ? tend_books(w, why) : at_end(w, why);
		if (end == 0)
			end = step(w, why);
	}
	if (end < 0)
		return -1;
	outcome = settle(w, why);
	if (outcome != COMMITTED)
		return outcome < 0 ? -1 : 0;
	return redis_settle(w->i->redis, 0, why);
}

/* --- a run ------------------------------------------------------------------------------------ */

static int prepare(struct work *w, struct fault *why)
{
	const struct issue *i = w->i;

	w->desk = (struct desk){.redis = i->redis,
				.source = i->source,
				.sink = i->sink,
				.ledger = i->ledger,
				.deliver = i->deliver,
				.retry = i->retry,
				.control = i->control,
				.waiting = tend_chunk,
				.waiting_self = w};
	w->told_ms = clock_ms();
	books_init(&w->desk.books, i->bus, i->prefix);
	w->desk.books.ledger = i->ledger;
	w->desk.books.exclusive = i->exclusive;
	i->sink->waiting = tend;
	i->sink->waiting_self = w;
	redis_on_wait(i->redis, tend_waiting, w);
	i->source->claim = claim;
	i->source->claim_self = w;
	for (int c = 0; c < CHUNKS; c++)
		if (chunk_init(&w->chunk[c], i->chunk, why) < 0)
			return -1;
	return step_init(&w->desk.step, AWARD_ARGS(i->chunk), why);
}

static void release(struct work *w)
{
	books_release(&w->desk.books);
	for (int c = 0; c < CHUNKS; c++)
		chunk_release(&w->chunk[c]);
	step_release(&w->desk.step);
	buffer_release(&w->desk.record);
	w->i->sink->waiting = NULL;
	w->i->source->claim = NULL;
	redis_on_wait(w->i->redis, NULL, NULL);
}

static int failed(struct work *w, const struct fault *why)
{
	struct fault ignored;

	settle(w, &ignored); /* what was begun before it failed may be out */
	redis_settle(w->i->redis, 0, &ignored);
	books_blame(&w->desk.books, why);
	books_keep(&w->desk.books, w->i->redis, w->i->ledger, w->i->control, "failed", &ignored);
	return -1;
}

static int ended(struct work *w, struct fault *why)
{
	const struct issue *i = w->i;
	bool stopped = i->control->stopping(), spoilt = too_many_dead(w);
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
