#include "issue.h"

#include "code.h"
#include "event.h"
#include "reconcile.h"
#include "runlog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An event this run has met. */
struct lane {
	struct place place;
	bool uuid_codes;
	struct run run;
};

struct work {
	const struct issue *i;
	struct incoming *raw;
	struct award *award;  /* of the chunk, in the order they came */
	struct award **order; /* the same, grouped by event and id */
	size_t awards;
	struct lane **lane;
	size_t lanes;
	struct run fresh;    /* as each lane's begins */
	struct run nameless; /* of records that belong to no event */
	struct step step;
	struct buffer record;
	int64_t taken;
};

/* --- lanes ------------------------------------------------------------------------------------ */

static struct lane *find_lane(const struct work *w, const struct winner *winner)
{
	for (size_t l = 0; l < w->lanes; l++)
		if (strcmp(w->lane[l]->run.id, winner->id) == 0 &&
		    strcmp(w->lane[l]->place.name, winner->event) == 0)
			return w->lane[l];
	return NULL;
}

static struct lane *add_lane(struct work *w, const struct place *place, const struct event *event,
			     struct fault *why)
{
	struct lane **more = realloc(w->lane, (w->lanes + 1) * sizeof *more);
	struct lane *lane = calloc(1, sizeof *lane);

	if (more)
		w->lane = more;
	if (!more || !lane) {
		free(lane);
		return fault_set(why, EX_OSERR, "out of memory"), NULL;
	}
	lane->place = *place;
	lane->uuid_codes = strcmp(event->codes, "uuid") == 0;
	lane->run = w->fresh;
	strcpy(lane->run.event, place->name);
	strcpy(lane->run.id, event->id);
	w->lane[w->lanes++] = lane;
	return lane;
}

/* The lane of a winner: NULL with reason filled where there is no such event or id, NULL with a
 * fault where it cannot be told. */
static struct lane *lane_of(struct work *w, const struct winner *winner, char reason[64],
			    struct fault *why)
{
	struct lane *lane = find_lane(w, winner);
	struct event event;
	struct place place;

	*reason = '\0';
	if (lane)
		return lane;
	if (place_init(&place, w->i->prefix, winner->event, why) < 0)
		return NULL;
	if (event_show(w->i->redis, &place, &event, why) < 0) {
		if (why->no_event)
			strcpy(reason, "no such event");
		return NULL;
	}
	if (strcmp(event.id, winner->id) != 0) {
		strcpy(reason, "this event has another id");
		return NULL;
	}
	return add_lane(w, &place, &event, why);
}

/* --- dead records ----------------------------------------------------------------------------- */

/* Names the place and the reason, never the bytes: they may hold a code. */
static void bury(struct work *w, struct run *run, int64_t number, const char *reason)
{
	char line[256];

	run->in++;
	run->dead++;
	snprintf(line, sizeof line, "line %" PRId64 ": %.180s", number, reason);
	snprintf(run->error, sizeof run->error, "%s", line);
	w->i->control->complain(line);
}

static void parse(struct work *w, size_t count)
{
	w->awards = 0;
	for (size_t r = 0; r < count; r++) {
		struct award *award = &w->award[w->awards];
		struct fault why;

		memset(award, 0, sizeof *award);
		award->number = w->raw[r].number;
		award->partition = w->raw[r].partition;
		award->offset = w->raw[r].offset;
		if (record_read_winner(w->raw[r].bytes, w->raw[r].len, &award->issued.winner,
				       &why) < 0)
			bury(w, &w->nameless, award->number, why.line);
		else
			w->awards++;
	}
}

/* --- a group: the awards of one event in a chunk ---------------------------------------------- */

struct group {
	struct lane *lane;
	struct award **award;
	size_t count;
	size_t assigned;
};

/* 0: they are of one group. */
static int compare_events(const struct award *x, const struct award *y)
{
	int order = strcmp(x->issued.winner.event, y->issued.winner.event);

	return order ? order : strcmp(x->issued.winner.id, y->issued.winner.id);
}

static int by_event(const void *a, const void *b)
{
	const struct award *x = *(struct award *const *)a, *y = *(struct award *const *)b;
	int order = compare_events(x, y);

	return order ? order : (x < y ? -1 : x > y);
}

/* Answers to `done` still under way; they say nothing we need, not even of a purged event. */
static int drain(struct work *w, size_t leave, struct fault *why)
{
	while (redis_in_flight(w->i->redis) > leave) {
		struct reply reply = {0};

		if (redis_receive(w->i->redis, &reply, why) < 0 && !why->no_event)
			return -1;
		reply_release(&reply);
	}
	return 0;
}

/* The event was purged since we met it. */
static int disown(struct group *g)
{
	for (size_t a = 0; a < g->count; a++) {
		g->award[a]->status = AWARD_FOREIGN;
		strcpy(g->award[a]->reason, "no such event");
	}
	return 0;
}

static int assign(struct work *w, struct group *g, struct fault *why)
{
	struct reply reply = {0};
	int result = 0;

	for (size_t a = 0; a < g->count && result == 0; a++)
		result = code_make(g->lane->uuid_codes, g->award[a]->issued.code, why);
	if (result < 0 || drain(w, REDIS_WINDOW - 1, why) < 0 ||
	    award_assign_send(&w->step, w->i->redis, &g->lane->place, g->award, g->count, why) <
		    0 ||
	    drain(w, 1, why) < 0)
		return -1;
	if (redis_receive(w->i->redis, &reply, why) < 0)
		return why->no_event ? disown(g) : -1;
	result = award_assign_read(&reply, g->award, g->count, why);
	reply_release(&reply);
	for (size_t a = 0; a < g->count; a++)
		g->assigned += g->award[a]->status == AWARD_ASSIGNED;
	return result;
}

/* Counted when all of the group is out, so that the books of a failed run balance, too. */
static void count(struct work *w, struct group *g)
{
	struct run *run = &g->lane->run;

	for (size_t a = 0; a < g->count; a++) {
		const struct award *award = g->award[a];

		if (award->status == AWARD_FOREIGN) {
			bury(w, run, award->number, award->reason);
			continue;
		}
		run->in++;
		run->already += award->status == AWARD_ALREADY;
		run->refused += award->status == AWARD_REFUSED;
		run->done += award->status == AWARD_ASSIGNED;
	}
}

static int put(struct work *w, struct group *g, struct fault *why)
{
	for (size_t a = 0; a < g->count; a++) {
		if (g->award[a]->status != AWARD_ASSIGNED)
			continue;
		buffer_clear(&w->record);
		record_issued(&w->record, &g->award[a]->issued);
		if (w->record.failed)
			return fault_set(why, EX_OSERR, "out of memory");
		if (w->i->sink->put(w->i->sink, w->record.bytes, w->record.len, why) < 0)
			return -1;
	}
	return w->i->sink->flush(w->i->sink, why);
}

static int keep(struct work *w, struct group *g, struct fault *why)
{
	const struct reconcile reconcile = {w->i->ledger, w->i->redis, &w->step, &g->lane->place,
					    g->lane->uuid_codes};

	if (!w->i->ledger || g->assigned == 0)
		return 0;
	return drain(w, 0, why) < 0 ? -1 : reconcile_keep(&reconcile, g->award, g->count, why);
}

static int finish(struct work *w, struct group *g, struct fault *why)
{
	if (g->assigned == 0)
		return 0;
	return drain(w, REDIS_WINDOW - 1, why) < 0
		       ? -1
		       : award_done_send(&w->step, w->i->redis, &g->lane->place, g->award, g->count,
					 why);
}

static int issue_group(struct work *w, struct group *g, struct fault *why)
{
	char reason[64];

	if (drain(w, find_lane(w, &g->award[0]->issued.winner) ? REDIS_WINDOW : 0, why) < 0)
		return -1;
	g->lane = lane_of(w, &g->award[0]->issued.winner, reason, why);
	if (!g->lane && !*reason)
		return -1;
	if (!g->lane) {
		for (size_t a = 0; a < g->count; a++)
			bury(w, &w->nameless, g->award[a]->number, reason);
		return 0;
	}
	if (assign(w, g, why) < 0 || keep(w, g, why) < 0 || put(w, g, why) < 0)
		return -1;
	count(w, g);
	return finish(w, g, why);
}

/* --- a run ------------------------------------------------------------------------------------ */

static int issue_chunk(struct work *w, size_t count, struct fault *why)
{
	parse(w, count);
	for (size_t a = 0; a < w->awards; a++)
		w->order[a] = &w->award[a];
	qsort(w->order, w->awards, sizeof *w->order, by_event);
	for (size_t first = 0, last; first < w->awards; first = last) {
		struct group group = {.award = &w->order[first]};

		last = first + 1;
		while (last < w->awards && compare_events(w->order[first], w->order[last]) == 0)
			last++;
		group.count = last - first;
		if (issue_group(w, &group, why) < 0)
			return -1;
	}
	w->i->control->progress(w->taken += (int64_t)count);
	return 0;
}

static int chunks(struct work *w, struct fault *why)
{
	const struct issue *i = w->i;

	while (!i->control->stopping()) {
		int got;

		if (i->source->idle(i->source) && drain(w, 0, why) < 0)
			return -1;
		got = i->source->take(i->source, w->raw, i->chunk, i->control, why);
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		if (issue_chunk(w, (size_t)got, why) < 0)
			return -1;
	}
	return drain(w, 0, why);
}

static bool can_ask(const struct redis *redis)
{
	return redis_fd(redis) >= 0 && redis_in_flight(redis) == 0;
}

/* Says the books and keeps them: in Redis, unless it is lost, and in the ledger. */
static int keep_run(struct work *w, struct run *run, const struct place *place, const char *status,
		    struct fault *why)
{
	char line[RUN_BOOKS];
	int result = 0;

	run_end(run, status);
	run_books(line, run);
	w->i->control->note(line);
	if (can_ask(w->i->redis))
		result = place ? runlog_keep(w->i->redis, place, run, why)
			       : runlog_keep_nameless(w->i->redis, w->i->prefix, run, why);
	if (w->i->ledger && ledger_run(w->i->ledger, run, why) < 0)
		result = -1;
	return result;
}

/* One that cannot be kept does not keep the others from it. */
static int keep_runs(struct work *w, const char *status, struct fault *why)
{
	int result = 0;

	for (size_t l = 0; l < w->lanes; l++)
		if (keep_run(w, &w->lane[l]->run, &w->lane[l]->place, status, why) < 0)
			result = -1;
	if ((w->nameless.in > 0 || w->lanes == 0) &&
	    keep_run(w, &w->nameless, NULL, status, why) < 0)
		result = -1;
	return result;
}

static bool any_dead(const struct work *w)
{
	for (size_t l = 0; l < w->lanes; l++)
		if (w->lane[l]->run.dead)
			return true;
	return w->nameless.dead > 0;
}

static int prepare(struct work *w, struct fault *why)
{
	w->raw = calloc(w->i->chunk, sizeof *w->raw);
	w->award = calloc(w->i->chunk, sizeof *w->award);
	w->order = calloc(w->i->chunk, sizeof *w->order);
	if (!w->raw || !w->award || !w->order)
		return fault_errno(why, EX_OSERR, "issue");
	run_begin(&w->fresh, "issue");
	w->nameless = w->fresh;
	return step_init(&w->step, AWARD_ARGS(w->i->chunk), why);
}

static void release(struct work *w)
{
	for (size_t l = 0; l < w->lanes; l++)
		free(w->lane[l]);
	free(w->lane);
	free(w->raw);
	free(w->award);
	free(w->order);
	step_release(&w->step);
	buffer_release(&w->record);
}

int issue_run(const struct issue *i, struct fault *why)
{
	struct work w = {.i = i};
	struct fault ignored;
	int result = -1;

	if (prepare(&w, why) == 0) {
		result = chunks(&w, why);
		if (result < 0) {
			drain(&w, 0, &ignored);
			keep_runs(&w, "failed", &ignored);
		} else {
			result = keep_runs(&w, i->control->stopping() ? "stopped" : "completed",
					   why);
		}
		if (result == 0 && any_dead(&w))
			result = EX_DATAERR;
	}
	release(&w);
	return result;
}
