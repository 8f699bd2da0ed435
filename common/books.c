#include "books.h"

#include "clock.h"
#include "event.h"
#include "job.h"
#include "runlog.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEDGER_KEEP_MS = 20000 }; /* a third of what makes a record stale there */

void books_init(struct books *b, const char *bus, const char *prefix)
{
	*b = (struct books){.bus = bus, .prefix = prefix};
	b->held_ms = b->kept_ms = b->ledger_ms = clock_ms();
	run_begin(&b->fresh, "issue");
	b->nameless = b->fresh;
}

void books_release(struct books *b)
{
	for (size_t i = 0; i < b->count; i++)
		free(b->book[i]);
	free(b->book);
}

struct book *books_find(const struct books *b, const struct winner *winner)
{
	for (size_t i = 0; i < b->count; i++)
		if (strcmp(b->book[i]->run.id, winner->id) == 0 &&
		    strcmp(b->book[i]->place.name, winner->event) == 0)
			return b->book[i];
	return NULL;
}

/* While it is running: a ledger that is away shows when rows are kept, and at the end. */
static void keep_in_ledger(const struct books *b, const struct book *book)
{
	struct fault ignored;

	if (b->ledger)
		ledger_run(b->ledger, &book->run, &ignored);
}

/* The lock first: who does not get it has no record of this event. */
static int begin(const struct books *b, struct book *book, struct redis *redis, struct fault *why)
{
	if (b->exclusive && job_hold(redis, &book->place, &book->run, why) < 0)
		return -1;
	run_mark(&book->run, "running");
	if (runlog_keep(redis, &book->place, &book->run, why) < 0)
		return -1;
	keep_in_ledger(b, book);
	return 0;
}

static struct book *add(struct books *b, struct redis *redis, const struct place *place,
			const struct event *event, struct fault *why)
{
	struct book **more = realloc(b->book, (b->count + 1) * sizeof *more);
	struct book *book = calloc(1, sizeof *book);

	if (more)
		b->book = more;
	if (!more || !book) {
		free(book);
		return fault_set(why, EX_OSERR, "out of memory"), NULL;
	}
	book->place = *place;
	book->uuid_codes = strcmp(event->codes, "uuid") == 0;
	b->swaps = b->swaps || (b->ledger && event_has_pool(event));
	book->run = b->fresh;
	strcpy(book->run.event, place->name);
	strcpy(book->run.id, event->id);
	if (begin(b, book, redis, why) < 0) {
		free(book);
		return NULL;
	}
	b->book[b->count++] = book;
	return book;
}

/* In a pipe it is the operator who mixes them up; on a topic anybody may have written. */
static struct book *other_bus(const struct books *b, const struct event *event,
			      const struct place *place, char reason[96], struct fault *why)
{
	if (strcmp(b->bus, "pipe") == 0)
		fault_set(why, EX_CONFIG,
			  "event '%s': it is dispatched through '%s', and stays there: name the "
			  "brokers with -b or FCFS_BROKERS",
			  place->name, event->bus);
	else
		snprintf(reason, 96, "this event is dispatched through a %s", event->bus);
	return NULL;
}

/* Who issued from an old copy would give other codes to the winners of the new one. */
static int check_copy(const struct books *b, const struct event *event, const struct place *place,
		      struct fault *why)
{
	int64_t rebuilt_us = 0;

	if (b->source->rebuilt && b->source->rebuilt(b->source, event->id, &rebuilt_us, why) < 0)
		return -1;
	return rebuilt_us <= event->rebuilt_us
		       ? 0
		       : fault_set(
				 why, EX_PROTOCOL,
				 "event '%s': it was rebuilt (fcfs-archive rebuild), and this redis "
				 "has an older copy of it: nothing of that is issued any more",
				 place->name);
}

struct book *books_open(struct books *b, struct redis *redis, const struct winner *winner,
			char reason[96], struct fault *why)
{
	struct book *book;
	struct event event;
	struct place place;

	*reason = '\0';
	if (place_init(&place, b->prefix, winner->event, why) < 0)
		return NULL;
	if (event_show(redis, &place, &event, why) < 0) {
		if (why->no_event)
			strcpy(reason, "no such event");
		return NULL;
	}
	if (strcmp(event.id, winner->id) != 0) {
		strcpy(reason, "this event has another id");
		return NULL;
	}
	if (*event.bus && strcmp(event.bus, b->bus) != 0)
		return other_bus(b, &event, &place, reason, why);
	if (check_copy(b, &event, &place, why) < 0)
		return NULL;
	book = add(b, redis, &place, &event, why);
	if (!book && why->no_event) /* purged just now */
		strcpy(reason, "no such event");
	return book;
}

static bool can_ask(const struct redis *redis)
{
	return redis_fd(redis) >= 0;
}

bool books_due(const struct books *b)
{
	int64_t now_ms = clock_ms();

	return (b->exclusive && now_ms - b->held_ms >= JOB_HOLD_MS) ||
	       now_ms - b->kept_ms >= RUN_KEEP_MS;
}

/* One that was purged meanwhile is told so by the next step. */
static int tend(struct book *book, struct redis *redis, bool hold, bool keep, struct fault *why)
{
	run_mark(&book->run, "running");
	if ((hold && job_hold(redis, &book->place, &book->run, why) < 0) ||
	    (keep && runlog_keep(redis, &book->place, &book->run, why) < 0))
		return why->no_event ? 0 : -1;
	return 0;
}

int books_tend(struct books *b, struct redis *redis, struct fault *why)
{
	bool keep = clock_ms() - b->kept_ms >= RUN_KEEP_MS;

	b->held_ms = clock_ms();
	if (keep)
		b->kept_ms = b->held_ms;
	for (size_t i = 0; i < b->count; i++)
		if (tend(b->book[i], redis, b->exclusive, keep, why) < 0)
			return -1;
	if (b->held_ms - b->ledger_ms < LEDGER_KEEP_MS)
		return 0;
	b->ledger_ms = b->held_ms;
	for (size_t i = 0; i < b->count; i++)
		keep_in_ledger(b, b->book[i]);
	return 0;
}

static int keep(const struct books *b, struct run *run, const struct place *place,
		struct redis *redis, struct ledger *ledger, struct fault *why)
{
	struct fault ignored;
	int result = 0;

	if (can_ask(redis))
		result = place ? runlog_keep(redis, place, run, why)
			       : runlog_keep_nameless(redis, b->prefix, run, why);
	if (b->exclusive && place && can_ask(redis))
		job_free(redis, place, run, &ignored);
	if (ledger && ledger_run(ledger, run, why) < 0)
		result = -1;
	return result;
}

static void end(struct run *run, const struct control *control, const char *status)
{
	char line[RUN_BOOKS];

	assert(run_balances(run));
	run_mark(run, status);
	run_books(line, run);
	control->note(line);
}

int books_keep(struct books *b, struct redis *redis, struct ledger *ledger,
	       const struct control *control, const char *status, struct fault *why)
{
	int result = 0;

	for (size_t i = 0; i < b->count; i++) {
		end(&b->book[i]->run, control, status);
		if (keep(b, &b->book[i]->run, &b->book[i]->place, redis, ledger, why) < 0)
			result = -1;
	}
	if (b->nameless.in == 0 && b->count > 0)
		return result;
	end(&b->nameless, control, status);
	return keep(b, &b->nameless, NULL, redis, ledger, why) < 0 ? -1 : result;
}

void books_blame(struct books *b, const struct fault *why)
{
	for (size_t i = 0; i < b->count; i++)
		snprintf(b->book[i]->run.error, sizeof b->book[i]->run.error, "%.255s", why->line);
	snprintf(b->nameless.error, sizeof b->nameless.error, "%.255s", why->line);
}

int64_t books_dead(const struct books *b)
{
	int64_t dead = b->nameless.dead;

	for (size_t i = 0; i < b->count; i++)
		dead += b->book[i]->run.dead;
	return dead;
}
