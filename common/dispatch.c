#include "dispatch.h"

#include "clock.h"
#include "grant.h"
#include "record.h"
#include "run.h"
#include "runlog.h"
#include "step.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 1000, RENEW_MS = LEASE_MS / 3 };

enum lane_state { LANE_WAITING, LANE_PUBLISHING, LANE_OVER, LANE_FAILED };

struct lane {
	enum lane_state state;
	struct place place;
	struct lease lease;
	int64_t after; /* the last ticket written */
	char verdict[16];
	bool told;
	struct run run;
	struct fault why; /* of LANE_FAILED */
};

struct work {
	const struct dispatch *d;
	struct lane *lane;
	size_t lanes;
	struct lane *failed; /* the first that did */
	struct step step;
	struct buffer record;
	int64_t written;
	int64_t renewed_ms;
};

/* Waits, or returns early when asked to stop. */
static void sleep_ms(const struct work *w, int64_t ms)
{
	struct pollfd stop = {.fd = w->d->control->stop_fd, .events = POLLIN};

	if (ms > 0 && !w->d->control->stopping())
		poll(&stop, 1, (int)ms);
}

/* The first failed lane's fault is the answer in the end; the others' are said at once. */
static void fail(struct work *w, struct lane *lane, const struct fault *why)
{
	if (w->failed)
		w->d->control->complain(why->line);
	else
		w->failed = lane;
	lane->state = LANE_FAILED;
	lane->why = *why;
	snprintf(lane->run.error, sizeof lane->run.error, "%.255s", why->line);
}

/* --- the lease -------------------------------------------------------------------------------- */

/* Tries once: the lane is publishing, or still waiting with its holder named. */
static int try_lease(struct work *w, struct lane *lane, struct fault *why)
{
	int answer = lease_take(&w->step, w->d->redis, &lane->place, w->d->sink->name, &lane->lease,
				why);

	if (answer < 0)
		return -1;
	if (answer == LEASE_HELD) {
		lane->state = LANE_PUBLISHING;
		lane->after = lane->lease.settled;
		strcpy(lane->run.id, lane->lease.id);
	}
	return 0;
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
					 lane->place.name, lane->lease.holder);
		sleep_ms(w, lane->lease.busy_ms < 100 ? lane->lease.busy_ms + 10 : 100);
	}
}

/* The sink's `waiting`, and between passes: keeps the leases. One that is stale, or whose event has
 * gone, shows at the next grant, and is that lane's alone; only a lost server ends all. */
static int renew_leases(void *self, struct fault *why)
{
	struct work *w = self;

	if (clock_ms() - w->renewed_ms < RENEW_MS)
		return 0;
	w->renewed_ms = clock_ms();
	for (size_t i = 0; i < w->lanes; i++)
		if (w->lane[i].state == LANE_PUBLISHING &&
		    lease_renew(&w->step, w->d->redis, &w->lane[i].place, &w->lane[i].lease, why) <
			    0 &&
		    why->status == EX_UNAVAILABLE)
			return -1;
	return 0;
}

/* --- granting and writing --------------------------------------------------------------------- */

static int put_row(struct work *w, struct lane *lane, struct reply *reply, struct fault *why)
{
	struct winner winner;
	size_t len;
	const char *user = reply_text(reply, &len);

	snprintf(winner.user, sizeof winner.user, "%s", user);
	winner.ticket = reply_int(reply);
	winner.joined_us = reply_int(reply);
	winner.granted_us = reply_int(reply);
	if (reply_check(reply, lane->place.event_key, why) < 0)
		return -1;
	strcpy(winner.event, lane->place.name);
	strcpy(winner.id, lane->run.id);
	buffer_clear(&w->record);
	record_winner(&w->record, &winner);
	if (w->record.failed)
		return fault_set(why, EX_OSERR, "out of memory");
	if (w->d->sink->put(w->d->sink, w->record.bytes, w->record.len, why) < 0)
		return -1;
	w->d->control->progress(++w->written);
	return 0;
}

/* One grant step and its winners, written and flushed. Returns how many were granted by it, or -1.
 */
static int64_t publish(struct work *w, struct lane *lane, int64_t limit, struct fault *why)
{
	int64_t count = w->d->batch < PAGE ? w->d->batch : PAGE, fresh, upto, rows = 0;
	struct reply reply = {0};
	int result = 0;
	size_t len;

	if (grant(&w->step, w->d->redis, &lane->place, &lane->lease, lane->after, count, limit,
		  &reply, why) < 0)
		return -1;
	w->renewed_ms = clock_ms();
	snprintf(lane->verdict, sizeof lane->verdict, "%s", reply_text(&reply, &len));
	upto = reply_int(&reply);
	fresh = reply_int(&reply);
	for (; result == 0 && reply_more(&reply); rows++)
		result = put_row(w, lane, &reply, why);
	if (result == 0)
		result = reply_check(&reply, lane->place.event_key, why);
	reply_release(&reply);
	if (result < 0 || w->d->sink->flush(w->d->sink, why) < 0)
		return -1;
	lane->after = upto;
	lane->run.in += rows;
	lane->run.done += rows;
	return fresh;
}

static int pass(struct work *w, struct lane *lane, struct fault *why)
{
	int64_t limit = w->d->every_ms && w->d->batch_given ? w->d->batch : INT32_MAX;

	do {
		int64_t fresh = publish(w, lane, limit, why);

		if (fresh < 0)
			return -1;
		if (strcmp(lane->verdict, "stale") == 0)
			return fault_set(why, EX_TEMPFAIL,
					 "event '%s': another dispatcher has taken the lease",
					 lane->place.name);
		if (strcmp(lane->verdict, "lost") == 0)
			return fault_set(why, EX_PROTOCOL,
					 "event '%s': redis has lost grants that were written, the "
					 "last of them ticket %" PRId64
					 ": restore it before anybody "
					 "dispatches again",
					 lane->place.name, lane->after);
		limit -= fresh;
	} while (strcmp(lane->verdict, "more") == 0 && limit > 0 && !w->d->control->stopping());
	if (strcmp(lane->verdict, "ended") == 0)
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
		 lane->place.name, lane->lease.holder);
	w->d->control->warn(line);
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
	fail(w, lane, why);
	return why->status == EX_IOERR || why->status == EX_UNAVAILABLE ? -1 : 0;
}

/* --- a run ------------------------------------------------------------------------------------ */

static bool any_open(const struct work *w)
{
	for (size_t i = 0; i < w->lanes; i++)
		if (w->lane[i].state == LANE_WAITING || w->lane[i].state == LANE_PUBLISHING)
			return true;
	return false;
}

/* Until the next pass is due. The leases are kept meanwhile, but not for a reader that has gone:
 * what was written to it comes again only from the next dispatcher (P8). */
static int rest(struct work *w, int64_t until_ms, struct fault *why)
{
	while (clock_ms() < until_ms && !w->d->control->stopping()) {
		int64_t left = until_ms - clock_ms();

		sleep_ms(w, left < RENEW_MS ? left : RENEW_MS);
		if (w->d->sink->check(w->d->sink, why) < 0 || renew_leases(w, why) < 0)
			return -1;
	}
	return 0;
}

static int passes(struct work *w, struct fault *why)
{
	int64_t due_ms = clock_ms();

	for (;;) {
		for (size_t i = 0; i < w->lanes; i++)
			if (turn(w, &w->lane[i], why) < 0)
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
		if (strcmp(w->lane[i].place.name, event) == 0)
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
		struct lane *lane = &w->lane[w->lanes];

		if (has_lane(w, w->d->events[i]))
			continue;
		if (place_init(&lane->place, w->d->prefix, w->d->events[i], why) < 0)
			return -1;
		w->lanes++;
		run_begin(&lane->run, "dispatch");
		lane->lease.owner = w->d->instance;
		memcpy(lane->run.run, w->lane[0].run.run, sizeof lane->run.run);
		strcpy(lane->run.event, lane->place.name);
	}
	return step_init(&w->step, 8, why);
}

/* Releases the lease and keeps the record; what cannot be said to a lost server is not said. */
static void close_lane(struct work *w, struct lane *lane, const struct fault *failed)
{
	struct fault ignored;
	char line[160];

	snprintf(line, sizeof line, "event '%s': %" PRId64 " winners written, %s", lane->place.name,
		 lane->run.done,
		 lane->state == LANE_FAILED ? "failed"
		 : *lane->verdict	    ? lane->verdict
					    : "not dispatching");
	w->d->control->note(line);
	if (!*lane->run.id)
		return;
	if (failed && !*lane->run.error)
		snprintf(lane->run.error, sizeof lane->run.error, "%.255s", failed->line);
	run_end(&lane->run, failed || lane->state == LANE_FAILED ? "failed"
			    : w->d->control->stopping()		 ? "stopped"
								 : "completed");
	if (redis_fd(w->d->redis) < 0)
		return;
	runlog_keep(w->d->redis, &lane->place, &lane->run, &ignored);
	lease_release(&w->step, w->d->redis, &lane->place, &lane->lease, &ignored);
}

/* Was anything done, or nothing only for want of people and slots? */
static bool useful(const struct lane *lane)
{
	return lane->run.done || strcmp(lane->verdict, "idle") == 0 ||
	       strcmp(lane->verdict, "more") == 0;
}

static int answer(const struct work *w, struct fault *why)
{
	if (w->failed) {
		*why = w->failed->why;
		return -1;
	}
	for (size_t i = 0; i < w->lanes; i++)
		if (useful(&w->lane[i]))
			return STATUS_YES;
	return w->d->every_ms ? STATUS_YES : STATUS_NO;
}

int dispatch_run(const struct dispatch *d, struct fault *why)
{
	struct work w = {.d = d, .renewed_ms = clock_ms()};
	int result = -1;

	if (open_lanes(&w, why) == 0) {
		d->sink->waiting = renew_leases;
		d->sink->waiting_self = &w;
		result = passes(&w, why);
		for (size_t i = 0; i < w.lanes; i++)
			close_lane(&w, &w.lane[i], result < 0 ? why : NULL);
		if (result == 0)
			result = answer(&w, why);
		d->sink->waiting = NULL;
	}
	step_release(&w.step);
	buffer_release(&w.record);
	free(w.lane);
	return result;
}
