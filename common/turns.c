#include "turns.h"

/* So many records are under way: a large chunk has three others beside it, a small one fills a commit. */
enum { RECORDS = 4000 };

/* So many rows share a transaction of the ledger; a larger chunk has its own. While it commits, as many chunks as are in it
 * can be taken: so it has half of those that the source holds. */
enum { ROWS = 500 };

int turns_init(struct turns *t, struct desk *desk, size_t chunk, struct fault *why)
{
	*t = (struct turns){.desk = desk, .chunks = RECORDS / chunk};
	if (t->chunks > TURNS)
		t->chunks = TURNS;
	for (size_t c = 0; c < t->chunks; c++)
		if (chunk_init(&t->chunk[c], chunk, why) < 0)
			return -1;
	return 0;
}

void turns_release(struct turns *t)
{
	for (size_t c = 0; c < t->chunks; c++)
		chunk_release(&t->chunk[c]);
}

/* Of all that are not done, the oldest first. */
static struct chunk *nth(struct turns *t, size_t n)
{
	return &t->chunk[(t->first + n) % t->chunks];
}

static struct chunk *begun(struct turns *t, size_t n)
{
	return nth(t, t->out + n);
}

/* Those that are begun, of this phase: how many. */
static size_t gather(struct turns *t, enum phase phase, struct chunk *c[TURNS])
{
	size_t count = 0;

	for (size_t n = 0; n < t->begun; n++)
		if (begun(t, n)->phase == phase)
			c[count++] = begun(t, n);
	return count;
}

static size_t in_phase(struct turns *t, enum phase phase, struct chunk **first)
{
	struct chunk *c[TURNS];
	const size_t count = gather(t, phase, c);

	*first = count ? c[0] : NULL;
	return count;
}

/* --- out and done ----------------------------------------------------------------------------- */

int turns_settle(struct turns *t, struct fault *why)
{
	struct desk *d = t->desk;
	int outcome = t->out ? d->issue->sink->settle(d->issue->sink, why) : COMMITTED;

	for (; t->out > 0; t->out--, t->first++) {
		struct chunk *c = nth(t, 0);

		if (outcome == COMMITTED && chunk_finish(c, d, why) < 0)
			outcome = -1;
		if (outcome == COMMITTED)
			d->issue->control->progress(t->settled += (int64_t)c->count);
	}
	t->first %= t->chunks;
	return outcome;
}

/* Fenced, too: our own transaction may have lasted too long; whether another issuer has our place in the
 * group, the group says. */
int turns_start_over(struct turns *t, struct fault *why)
{
	const struct issue *i = t->desk->issue;

	if (turns_settle(t, why) < 0 || redis_settle(i->redis, 0, why) < 0)
		return -1;
	t->begun = 0;
	if (i->sink->restart(i->sink, why) < 0)
		return -1;
	return i->source->rewind(i->source, why);
}

static int settle_or_start_over(struct turns *t, struct fault *why)
{
	int outcome = turns_settle(t, why);

	if (outcome == COMMITTED)
		return 0;
	return outcome < 0 ? -1 : turns_start_over(t, why);
}

/* All that is kept and may go out, as turns_step answers. */
static int send_out(struct turns *t, struct fault *why)
{
	struct desk *d = t->desk;
	size_t count = 0;
	int64_t dead = 0;

	while (count < t->begun && begun(t, count)->phase == CHUNK_KEPT && !desk_spoilt(d, dead)) {
		struct chunk *c = begun(t, count++);
		int delivered = chunk_deliver(c, d, why);

		if (d->issue->source->lost(d->issue->source))
			return 0;
		if (delivered == CHUNK_LOST)
			return turns_start_over(t, why);
		if (delivered != 0)
			return delivered;
		if (chunk_put(c, d, why) < 0)
			return -1;
		dead += chunk_dead(c);
	}
	if (d->issue->sink->commit(d->issue->sink, count, why) < 0)
		return -1;
	t->out = count;
	t->begun -= count;
	return 0;
}

/* --- begun ------------------------------------------------------------------------------------ */

/* So many may share a transaction of the ledger. */
static size_t together(const struct turns *t)
{
	const struct issue *i = t->desk->issue;
	const size_t some = i->ledger ? ROWS / i->chunk : 1, most = i->source->takes / 2;

	return some < most ? some : most;
}

/* While a ledger commits. One that is asked for may need the codes of a pool that the next one would hold. */
static size_t may_be_asked(const struct turns *t)
{
	const size_t some = together(t);

	if (t->desk->books.swaps)
		return 1;
	return some > 2 ? some : 2;
}

/* Another is taken ahead, if it is there. Not behind an empty one, whose commit is not the source's to
 * hold, nor where codes are delivered: that may take long, and those of the next chunk would be assigned
 * to nobody's use meanwhile. */
static bool may_take(struct turns *t)
{
	const struct issue *i = t->desk->issue;
	const struct chunk *last = t->begun ? begun(t, t->begun - 1) : NULL;
	struct chunk *asked;

	if (t->out + t->begun == t->chunks)
		return false;
	if (!last)
		return true;
	return last->count > 0 && last->phase != CHUNK_TAKEN && !last->failed &&
	       in_phase(t, CHUNK_ASKED, &asked) < may_be_asked(t) && t->begun < i->source->takes &&
	       !i->deliver && !i->control->stopping() && !i->source->idle(i->source);
}

static int take(struct turns *t, struct fault *why)
{
	const struct issue *i = t->desk->issue;
	struct chunk *c = begun(t, t->begun);
	int count = i->source->take(i->source, c->raw, c->room, t->begun ? NULL : i->control, why);

	if (count < 0)
		return -1;
	if (count == 0 && t->begun)
		return 0;
	chunk_read(c, (size_t)count);
	t->begun++;
	return 0;
}

/* The last one: a ticket that is in two chunks must find the first one done, or the offset of its second
 * record would hide that it is out. */
static bool may_ask(struct turns *t, const struct chunk *c)
{
	for (size_t n = 0; c && n < t->out + t->begun - 1; n++)
		if (chunk_shares(c, nth(t, n)))
			return false;
	return c != NULL;
}

/* One that has failed waits until those before it are out. */
static bool may_keep(struct turns *t, const struct chunk *c)
{
	return c && (!c->failed || c == begun(t, 0));
}

/* Its turn comes again when those before it are out. */
static int fail(struct turns *t, struct chunk *c, const struct fault *why)
{
	if (c == begun(t, 0))
		return -1;
	c->phase = CHUNK_ASKED;
	c->failed = true;
	c->fault = *why;
	return 0;
}

/* With the first those behind it, up to one that fails: that comes first another time. */
static int keep(struct turns *t, struct fault *why)
{
	struct chunk *c[TURNS];
	const size_t asked = gather(t, CHUNK_ASKED, c), most = together(t);
	size_t count = 1;

	if (chunk_answers(c[0], t->desk, why) < 0)
		return fail(t, c[0], why);
	while (count < asked && count < most && chunk_answers(c[count], t->desk, why) == 0)
		count++;
	return chunk_keep(c, count, t->desk, why) == 0 ? 0 : fail(t, c[0], why);
}

static int kept(struct turns *t, struct fault *why)
{
	struct chunk *c[TURNS];
	const size_t count = gather(t, CHUNK_KEEPING, c);

	return chunk_kept(c, count, t->desk, why) == 0 ? 0 : fail(t, c[0], why);
}

/* --- the turn --------------------------------------------------------------------------------- */

/* With what may be waited for: nothing else can be done meanwhile. */
static int go_out(struct turns *t, struct fault *why)
{
	return t->out ? settle_or_start_over(t, why) : send_out(t, why);
}

int turns_step(struct turns *t, struct fault *why)
{
	const struct issue *i = t->desk->issue;
	struct chunk *taken, *asked, *keeping, *ready;

	in_phase(t, CHUNK_TAKEN, &taken);
	in_phase(t, CHUNK_ASKED, &asked);
	in_phase(t, CHUNK_KEEPING, &keeping);
	in_phase(t, CHUNK_KEPT, &ready);
	if (i->source->lost(i->source))
		return turns_start_over(t, why);
	if (keeping && !ledger_busy(i->ledger))
		return kept(t, why);
	if ((t->out || ready) && !i->sink->busy(i->sink))
		return go_out(t, why);
	if (may_ask(t, taken))
		return chunk_ask(taken, t->desk), 0;
	if (may_take(t))
		return take(t, why);
	if (keeping)
		return kept(t, why);
	if (may_keep(t, asked))
		return keep(t, why);
	return go_out(t, why);
}
