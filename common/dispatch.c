#include "dispatch.h"

#include "clock.h"
#include "publish.h"
#include "runlog.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RENEW_MS = LEASE_MS / 3 };

enum lane_state { LANE_WAITING, LANE_PUBLISHING, LANE_OVER, LANE_FAILED };

struct lane {
	enum lane_state state;
	struct publication event;
	bool told;
	int64_t dry_at;	  /* the winners written when codes were last said to be out; -1: never */
	struct fault why; /* of LANE_FAILED */
};

struct work {
	const struct dispatch *d;
	struct publisher publisher;
	struct lane *lane;
	size_t lanes;
	struct lane *failed; /* the first that did */
	int64_t kept_ms;     /* when the run records were kept last */
};

/* Waits, or returns early when asked to stop. */
static void sleep_ms(const struct work *w, int64_t ms)
{
	struct pollfd stop = {.fd = w->d->control->stop_fd, .events = POLLIN};

	if (ms > 0 && !w->d->control->stopping())
		poll(&stop, 1, (int)ms);
}

static bool any_open(const struct work *w)
{
	for (size_t i = 0; i < w->lanes; i++)
		if (w->lane[i].state == LANE_WAITING || w->lane[i].state == LANE_PUBLISHING)
			return true;
	return false;
}

static void close_sink(struct lane *lane)
{
	if (lane->event.sink)
		lane->event.sink->close(lane->event.sink);
	lane->event.sink = NULL;
}

/* The first failed lane's fault is the answer in the end, the others' are said at once, and so is the
 * first where the run goes on without it. Its sink is closed: what was left open there would stand in
 * the way of all who share its topics. */
static void fail(struct work *w, struct lane *lane, const struct fault *why)
{
	lane->state = LANE_FAILED;
	if (w->failed || (w->d->every_ms && any_open(w)))
		w->d->control->complain(why->line);
	if (!w->failed)
		w->failed = lane;
	lane->why = *why;
	snprintf(lane->event.run.error, sizeof lane->event.run.error, "%.255s", why->line);
	close_sink(lane);
}

/* --- the lease -------------------------------------------------------------------------------- */

static int keep_record(struct work *w, struct lane *lane, struct fault *why)
{
	run_mark(&lane->event.run, "running");
	return runlog_keep(w->d->redis, &lane->event.place, &lane->event.run, why);
}

static int open_sink(struct work *w, struct lane *lane, struct fault *why)
{
	struct publication *e = &lane->event;

	close_sink(lane);
	if (w->d->bus->open(w->d->bus, e->lease.id, &e->sink, why) < 0)
		return -1;
	return publish_open(&w->publisher, e, why);
}

/* Tries once: the lane is publishing, or still waiting with its holder named. */
static int try_lease(struct work *w, struct lane *lane, struct fault *why)
{
	struct publication *e = &lane->event;
	int answer = lease_take(&w->publisher.step, w->d->redis, &e->place, w->d->bus->name,
				&e->lease, why);

	if (answer != LEASE_HELD)
		return answer < 0 ? -1 : 0;
	lane->state = LANE_PUBLISHING;
	return open_sink(w, lane, why) < 0 ? -1 : keep_record(w, lane, why);
}

/* A single pass waits for the lease up to its length. */
static int wait_lease(struct work *w, struct lane *lane, struct fault *why)
{
	int64_t until_ms = clock_ms() + LEASE_MS + 100;

	for (;;) {
		if (try_lease(w, lane, why) < 0)
			return -1;
		if (lane->state == LANE_PUBLISHING)
			return 0;
		if (clock_ms() >= until_ms || w->d->control->stopping())
			return fault_set(why, EX_TEMPFAIL,
					 "event '%s': '%s' is dispatching it: try again later",
					 lane->event.place.name, lane->event.lease.holder);
		sleep_ms(w, lane->event.lease.busy_ms < 100 ? lane->event.lease.busy_ms + 10 : 100);
	}
}

/* The records of what is dispatched, anew; as with the leases, only a lost server ends all. */
static int keep_records(struct work *w, struct fault *why)
{
	if (clock_ms() - w->kept_ms < RUN_KEEP_MS)
		return 0;
	publish_hear(&w->publisher);
	w->kept_ms = clock_ms();
	for (size_t i = 0; i < w->lanes; i++)
		if (w->lane[i].state == LANE_PUBLISHING && keep_record(w, &w->lane[i], why) < 0 &&
		    why->status == EX_UNAVAILABLE)
			return -1;
	return 0;
}

/* The sinks' `waiting`, before each page, and between passes: keeps the leases. One that is stale, or
 * whose event has gone, shows at the next grant, and is that lane's alone; only a lost server ends
 * all. */
static int renew_leases(void *self, struct fault *why)
{
	struct work *w = self;

	if (keep_records(w, why) < 0)
		return -1;
	for (size_t i = 0; i < w->lanes; i++) {
		struct publication *e = &w->lane[i].event;

		if (w->lane[i].state != LANE_PUBLISHING || clock_ms() - e->lease.kept_ms < RENEW_MS)
			continue;
		publish_hear(&w->publisher);
		if (lease_renew(&w->publisher.step, w->d->redis, &e->place, &e->lease, why) < 0 &&
		    why->status == EX_UNAVAILABLE)
			return -1;
	}
	return 0;
}

/* --- passes ----------------------------------------------------------------------------------- */

/* Each time that all codes are used up, not in each pass after that. Of a single pass, a person must know
 * where it could do nothing for it. */
static void say_dry(struct work *w, struct lane *lane)
{
	bool warns = w->d->every_ms || lane->event.run.done == 0;
	char line[160];

	if (lane->event.answer != SERVE_DRY || lane->dry_at == lane->event.run.done)
		return;
	lane->dry_at = lane->event.run.done;
	snprintf(line, sizeof line,
		 "event '%s': no code is left, and people wait: load more with fcfs-codes load",
		 lane->event.place.name);
	(warns ? w->d->control->warn : w->d->control->note)(line);
}

static int pass(struct work *w, struct lane *lane, struct fault *why)
{
	int64_t limit = w->d->every_ms && w->d->batch ? w->d->batch : INT32_MAX;

	if (publish_pass(&w->publisher, &lane->event, limit, why) < 0)
		return -1;
	say_dry(w, lane);
	if (lane->event.answer == SERVE_ENDED)
		lane->state = LANE_OVER;
	return 0;
}

static void say_busy(struct work *w, struct lane *lane)
{
	char line[320];

	if (lane->told)
		return;
	lane->told = true;
	snprintf(line, sizeof line, "event '%s': '%s' is dispatching it: standing by",
		 lane->event.place.name, lane->event.lease.holder);
	w->d->control->warn(line);
}

/* A run that goes on does so without the lease: its epoch decides nothing, and what was under way is
 * read anew by who takes it next. */
static void stand_by(struct work *w, struct lane *lane, const struct fault *why)
{
	char line[sizeof why->line + 32];

	snprintf(line, sizeof line, "%s: standing by", why->line);
	w->d->control->warn(line);
	lane->told = true;
	lane->state = LANE_WAITING;
	lane->event.answer = SERVE_NONE;
	close_sink(lane);
}

/* A lane's turn. -1 where all must end; a fault of its own ends only the lane. */
static int turn(struct work *w, struct lane *lane, struct fault *why)
{
	int result = 0;

	if (lane->state == LANE_WAITING)
		result = w->d->every_ms ? try_lease(w, lane, why) : wait_lease(w, lane, why);
	if (result == 0 && lane->state == LANE_WAITING)
		say_busy(w, lane);
	if (result == 0 && lane->state == LANE_PUBLISHING)
		result = pass(w, lane, why);
	if (result == 0)
		return 0;
	if (w->d->every_ms && lane->event.answer == SERVE_STALE) {
		stand_by(w, lane, why);
		return 0;
	}
	fail(w, lane, why);
	return why->status == EX_IOERR || why->status == EX_UNAVAILABLE ? -1 : 0;
}

/* --- a run ------------------------------------------------------------------------------------ */

static int check_sinks(struct work *w, struct fault *why)
{
	for (size_t i = 0; i < w->lanes; i++) {
		struct sink *sink = w->lane[i].event.sink;

		if (sink && sink->check(sink, why) < 0)
			return -1;
	}
	return 0;
}

/* Until the next pass is due. The leases are kept meanwhile, but not for a reader that has gone:
 * what was written to it comes again only from the next dispatcher (P8). */
static int rest(struct work *w, int64_t until_ms, struct fault *why)
{
	while (clock_ms() < until_ms && !w->d->control->stopping()) {
		int64_t left = until_ms - clock_ms();

		sleep_ms(w, left < RENEW_MS ? left : RENEW_MS);
		if (check_sinks(w, why) < 0 || renew_leases(w, why) < 0)
			return -1;
	}
	return 0;
}

static int passes(struct work *w, struct fault *why)
{
	int64_t due_ms = clock_ms();

	for (;;) {
		for (size_t i = 0; i < w->lanes; i++)
			if (turn(w, &w->lane[i], why) < 0 || keep_records(w, why) < 0)
				return -1;
		if (!w->d->every_ms || !any_open(w) || w->d->control->stopping())
			return 0;
		due_ms += w->d->every_ms;
		if (due_ms < clock_ms())
			due_ms = clock_ms();
		if (rest(w, due_ms, why) < 0)
			return -1;
	}
}

static bool has_lane(const struct work *w, const char *event)
{
	for (size_t i = 0; i < w->lanes; i++)
		if (strcmp(w->lane[i].event.place.name, event) == 0)
			return true;
	return false;
}

/* One lane an event, however often it is named: two would take the lease from each other. */
static int open_lanes(struct work *w, struct fault *why)
{
	size_t count = 0;

	while (w->d->events[count])
		count++;
	w->lane = calloc(count, sizeof *w->lane);
	if (!w->lane)
		return fault_errno(why, EX_OSERR, "dispatch");
	for (size_t i = 0; i < count; i++) {
		struct publication *e = &w->lane[w->lanes].event;

		if (has_lane(w, w->d->events[i]))
			continue;
		if (place_init(&e->place, w->d->prefix, w->d->events[i], why) < 0)
			return -1;
		w->lane[w->lanes++].dry_at = -1;
		run_begin(&e->run, "dispatch");
		e->lease.owner = w->d->instance;
		memcpy(e->run.run, w->lane[0].event.run.run, sizeof e->run.run);
		strcpy(e->run.event, e->place.name);
	}
	return step_init(&w->publisher.step, 8, why);
}

/* How the last pass ended, in a word or two. */
static const char *outcome(const struct lane *lane)
{
	if (lane->state == LANE_FAILED)
		return "failed";
	if (lane->event.answer == SERVE_NONE)
		return "not dispatching";
	return lane->event.answer == SERVE_EARLY ? "not open" : serve_word(lane->event.answer);
}

static void say_books(struct work *w, const struct lane *lane)
{
	const struct publication *e = &lane->event;
	char line[160];

	snprintf(line, sizeof line, "event '%s': %" PRId64 " winners written, %s", e->place.name,
		 e->run.done, outcome(lane));
	w->d->control->note(line);
}

/* Releases the lease and keeps the record; what cannot be said to a lost server is not said. */
static void close_lane(struct work *w, struct lane *lane, const struct fault *failed)
{
	struct publication *e = &lane->event;
	struct fault ignored;

	close_sink(lane);
	say_books(w, lane);
	if (!*e->run.id)
		return;
	if (failed && !*e->run.error)
		snprintf(e->run.error, sizeof e->run.error, "%.255s", failed->line);
	run_mark(&e->run, failed || lane->state == LANE_FAILED ? "failed"
			  : w->d->control->stopping()	       ? "stopped"
							       : "completed");
	if (redis_fd(w->d->redis) < 0)
		return;
	runlog_keep(w->d->redis, &e->place, &e->run, &ignored);
	lease_release(&w->publisher.step, w->d->redis, &e->place, &e->lease, &ignored);
}

/* Was anything done, or nothing only for want of people and slots? */
static bool useful(const struct publication *e)
{
	return e->run.done || e->answer == SERVE_IDLE || e->answer == SERVE_MORE;
}

static int answer(const struct work *w, struct fault *why)
{
	if (w->failed) {
		*why = w->failed->why;
		return -1;
	}
	for (size_t i = 0; i < w->lanes; i++)
		if (useful(&w->lane[i].event))
			return STATUS_YES;
	return w->d->every_ms ? STATUS_YES : STATUS_NO;
}

int dispatch_run(const struct dispatch *d, struct fault *why)
{
	struct work w = {.d = d,
			 .publisher = {.redis = d->redis,
				       .control = d->control,
				       .force = d->force,
				       .batch = d->batch ? d->batch : d->bus->batch},
			 .kept_ms = clock_ms()};
	int result = -1;

	d->bus->waiting = renew_leases;
	d->bus->waiting_self = &w;
	if (open_lanes(&w, why) == 0) {
		result = passes(&w, why);
		for (size_t i = 0; i < w.lanes; i++)
			close_lane(&w, &w.lane[i], result < 0 ? why : NULL);
		if (result == 0)
			result = answer(&w, why);
	}
	step_release(&w.publisher.step);
	buffer_release(&w.publisher.record);
	free(w.lane);
	return result;
}
