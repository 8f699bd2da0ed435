#include "redrive.h"

#include "clock.h"

/* A transaction must end long before it times out, however few letters are met. */
enum { BATCH = 500, BATCH_MS = 1000 };

/* What visit answers to end the reading: the outcome of a commit that was none. */
enum { GO_ON, AGAIN, OUSTED };

struct work {
	const struct redrive *r;
	struct redrive_counts now, committed;
	int64_t open; /* replayed and not committed */
	int64_t open_since_ms;
};

static int commit(struct work *w, struct fault *why)
{
	int outcome = w->open ? w->r->mailbox->commit(w->r->mailbox, why) : COMMITTED;

	if (outcome < 0)
		return -1;
	w->open = 0;
	if (outcome != COMMITTED)
		return outcome == FENCED ? OUSTED : AGAIN;
	w->committed = w->now;
	w->r->control->progress(w->committed.in);
	return GO_ON;
}

static int replay(struct work *w, const struct letter *letter, struct fault *why)
{
	w->now.redriven++;
	if (w->r->show)
		return w->r->show(w->r->show_self, letter, why);
	if (!w->open++)
		w->open_since_ms = clock_ms();
	return w->r->mailbox->replay(w->r->mailbox, letter, why);
}

/* Where a letter is counted; NULL: it is to be replayed. */
static int64_t *counter(struct work *w, const struct letter *letter)
{
	struct redrive_counts *now = &w->now;

	if (letter->status == LETTER_BAD)
		return &now->bad;
	if (!match_all(w->r->match, w->r->matches, letter))
		return &now->kept;
	if (letter->status == LETTER_REDRIVEN)
		return &now->before;
	if (letter->status == LETTER_FINAL)
		return &now->final;
	return now->redriven < w->r->limit ? NULL : &now->kept;
}

static int stopped(struct fault *why)
{
	return fault_set(why, EX_TEMPFAIL, "asked to stop: run again for what is left");
}

static int visit(void *self, const struct letter *letter, struct fault *why)
{
	struct work *w = self;
	int64_t *count;

	if (w->r->control->stopping())
		return stopped(why);
	count = counter(w, letter);
	w->now.in++;
	if (count)
		(*count)++;
	else if (replay(w, letter, why) < 0)
		return -1;
	if (w->open >= BATCH || (w->open && clock_ms() - w->open_since_ms >= BATCH_MS))
		return commit(w, why);
	return GO_ON;
}

/* All of them from the last commit on. */
static int pass(struct work *w, struct fault *why)
{
	int answer = w->r->mailbox->each(w->r->mailbox, visit, w, why);

	if (w->r->control->stopping() &&
	    (answer == GO_ON || (answer < 0 && why->status == EX_TEMPFAIL)))
		return commit(w, why) < 0 ? -1 : stopped(why);
	if (answer == GO_ON)
		answer = commit(w, why);
	if (answer == OUSTED)
		return fault_set(why, EX_TEMPFAIL,
				 "another fcfs-issue --redrive runs, and has taken over");
	return answer;
}

int redrive_run(const struct redrive *r, struct redrive_counts *counts, struct fault *why)
{
	struct work w = {.r = r};
	int answer;

	while ((answer = pass(&w, why)) == AGAIN) {
		w.now = w.committed;
		answer = r->mailbox->restart(r->mailbox, why);
		if (answer < 0)
			break;
	}
	*counts = w.committed;
	return answer;
}
