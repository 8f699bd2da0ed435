#include "publish_private.h"

#include "event.h"
#include "record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int lost(const struct publication *e, const struct progress *has, struct fault *why)
{
	const struct progress *out = &e->progress;

	return fault_set(why, EX_PROTOCOL,
			 "event '%s': redis has lost what was published: tickets %" PRId64
			 " of %" PRId64 ", grants up to %" PRId64 " of %" PRId64
			 ", decisions %" PRId64 " of %" PRId64
			 ": nothing is granted until it is restored (fcfs-archive rebuild)",
			 e->place.name, has->requests, out->requests, has->winners, out->winners,
			 has->seq, out->seq);
}

/* When the event, as this Redis has it, was rebuilt. */
static int read_rebuilt(struct publisher *p, const struct publication *e, int64_t *rebuilt_us,
			struct fault *why)
{
	struct event event;

	if (event_show(p->redis, &e->place, &event, why) < 0)
		return -1;
	*rebuilt_us = event.rebuilt_us;
	return 0;
}

static int read_progress(struct publisher *p, struct publication *e, struct fault *why)
{
	int64_t rebuilt_us = 0;

	if (e->sink->progress(e->sink, e->lease.id, &e->progress, why) < 0)
		return -1;
	if (e->progress.rebuilt_us && read_rebuilt(p, e, &rebuilt_us, why) < 0)
		return -1;
	if (e->progress.rebuilt_us <= rebuilt_us)
		return 0;
	return fault_set(why, EX_PROTOCOL,
			 "event '%s': it was rebuilt (fcfs-archive rebuild), and this redis has an "
			 "older copy of it: nothing of that is dispatched any more",
			 e->place.name);
}

/* --- pages ------------------------------------------------------------------------------------- */

static bool keeps_log(const struct publication *e)
{
	return e->sink->progress != NULL;
}

/* Tickets a step. */
static int64_t step_size(const struct publisher *p)
{
	return p->batch < PAGE_ROWS ? p->batch : PAGE_ROWS;
}

/* `granted` goes over to the page. */
static int ask(struct publisher *p, struct publication *e, const struct progress *from,
	       struct granted *granted, struct fault *why)
{
	bool on = granted->answer == SERVE_MORE && e->limit > 0 && !p->control->stopping();

	p->asker = e;
	if (page_ask(&p->ahead, &p->step, p->redis, &e->place, &e->lease, from, keeps_log(e),
		     granted, why) < 0)
		return -1;
	return on ? page_ask_grant(&p->ahead, &p->step, p->redis, &e->place, &e->lease,
				   step_size(p), e->limit, why)
		  : 0;
}

void publish_hear(struct publisher *p)
{
	if (p->ahead.state != PAGE_ASKED)
		return;
	page_hear(&p->ahead, p->redis, &p->asker->place);
	p->asker->limit -= p->ahead.next.fresh;
}

/* What it granted stays granted. */
static void drop_page(struct publisher *p)
{
	publish_hear(p);
	page_release(&p->ahead);
}

static int take_answer(struct publication *e, const struct granted *granted, struct fault *why)
{
	e->answer = granted->answer;
	if (e->answer == SERVE_STALE)
		return publish_stale(e, why);
	if (e->answer == SERVE_LOST)
		return fault_set(why, EX_PROTOCOL,
				 "event '%s': redis has lost grants that were written, the last of "
				 "them ticket %" PRId64
				 ": restore it before anybody dispatches again",
				 e->place.name, e->progress.winners);
	return 0;
}

/* With no page under way. */
static int first_page(struct publisher *p, struct publication *e, const struct progress *from,
		      struct fault *why)
{
	struct granted granted = {0};
	int result = grant_call(&p->step, p->redis, &e->place, &e->lease, from->winners,
				step_size(p), e->limit, &granted, why);

	e->limit -= granted.fresh;
	if (result == 0)
		result = take_answer(e, &granted, why);
	if (result == 0)
		result = ask(p, e, from, &granted, why);
	granted_release(&granted);
	return result;
}

/* The next page, which the caller releases. The one behind it is under way then. */
static int next_page(struct publisher *p, struct publication *e, struct filling *f,
		     struct page *page, struct fault *why)
{
	bool granted;

	if (p->ahead.state == PAGE_NONE && first_page(p, e, &f->upto, why) < 0)
		return -1;
	publish_hear(p);
	*page = p->ahead;
	p->ahead = (struct page){0};
	if (page->failed) {
		*why = page->why;
		return -1;
	}
	if (take_answer(e, &page->next, why) < 0 ||
	    e->sink->waiting(e->sink->waiting_self, why) < 0)
		return -1;
	granted = page->next.upto.winners > page->upto.winners;
	f->more = page_goes_on(page) || (e->answer == SERVE_MORE && e->limit > 0);
	/* Asked to stop, it still puts whom a step has granted a slot. */
	return f->more && (granted || !p->control->stopping())
		       ? ask(p, e, &page->upto, &page->next, why)
		       : 0;
}

/* --- a transaction ---------------------------------------------------------------------------- */

static int behind(const struct publication *e, const struct progress *was, struct fault *why)
{
	const struct progress *out = &e->progress;

	return fault_set(why, EX_PROTOCOL,
			 "event '%s': topic fcfs_progress has lost how far it was published: "
			 "tickets %" PRId64 " of %" PRId64 ", grants up to %" PRId64 " of %" PRId64
			 ", decisions %" PRId64 " of %" PRId64
			 ": --force goes on from what redis knows of it",
			 e->place.name, out->requests, was->requests, out->winners, was->winners,
			 out->seq, was->seq);
}

static int mirror(struct publisher *p, struct publication *e, struct fault *why)
{
	struct mirror m;

	if (!keeps_log(e))
		return 0;
	publish_hear(p);
	if (lease_mirror(&p->step, p->redis, &e->place, &e->lease, &e->progress, &m, why) < 0)
		return -1;
	if (m.answer == MIRROR_STALE)
		return publish_stale(e, why);
	if (m.answer == MIRROR_BEHIND && !p->force)
		return behind(e, &m.has, why);
	if (m.answer == MIRROR_BEHIND) {
		e->progress = m.has;
		e->adopted = true;
		if (read_rebuilt(p, e, &e->progress.rebuilt_us, why) < 0)
			return -1;
	}
	return m.answer == MIRROR_LOST ? lost(e, &m.has, why) : 0;
}

static int put_progress(struct publisher *p, struct publication *e, const struct filling *f,
			struct fault *why)
{
	if (!keeps_log(e))
		return 0;
	buffer_clear(&p->record);
	record_progress(&p->record, e->place.name, e->lease.id, &f->upto);
	return publish_put(p, e, TOPIC_PROGRESS, e->lease.id, &p->record, why);
}

/* It was not committed, or nobody can tell: the log says how far it got. */
static int recover(struct publisher *p, struct publication *e, struct fault *why)
{
	int held;

	drop_page(p);
	held = lease_renew(&p->step, p->redis, &e->place, &e->lease, why);
	if (held <= 0)
		return held < 0 ? -1 : publish_stale(e, why);
	return e->sink->restart(e->sink, why) < 0 ? -1 : read_progress(p, e, why);
}

/* What is in a log must not be news to Redis after a failover: also who joined just now is confirmed. As
 * step_confirm: 0 where there may have been one since the first page was read. */
static int confirm(struct publisher *p, struct publication *e, const struct filling *f,
		   struct fault *why)
{
	if (!keeps_log(e) || !redis_waits(p->redis))
		return 1;
	publish_hear(p);
	return step_confirm(&e->place, p->redis, f->connections, why);
}

/* An enum outcome, or -1. */
static int put_out(struct publisher *p, struct publication *e, const struct filling *f,
		   struct fault *why)
{
	int confirmed = confirm(p, e, f, why);

	if (confirmed <= 0)
		return confirmed < 0 ? -1 : UNDONE;
	if (put_progress(p, e, f, why) < 0 || e->sink->commit(e->sink, 0, why) < 0)
		return -1;
	return e->sink->settle(e->sink, why);
}

static int commit(struct publisher *p, struct publication *e, const struct filling *f,
		  struct fault *why)
{
	int outcome = put_out(p, e, f, why);

	if (outcome < 0 || (outcome != COMMITTED && recover(p, e, why) < 0))
		return -1;
	if (outcome == COMMITTED) {
		e->progress = f->upto;
		e->adopted = false;
	}
	/* Where it could not be told, the progress read anew tells. */
	if (e->progress.winners >= f->upto.winners && e->progress.requests >= f->upto.requests) {
		e->run.in += f->winners;
		e->run.done += f->winners;
	}
	return mirror(p, e, why) < 0 ? -1 : outcome;
}

static void grow_window(const struct publisher *p, struct publication *e)
{
	e->window *= 2;
	if (e->window > p->batch)
		e->window = p->batch;
}

static bool is_full(const struct publication *e, const struct filling *f)
{
	return f->winners >= e->window || f->upto.requests - e->progress.requests >= e->window ||
	       f->upto.seq - e->progress.seq >= e->window;
}

/* 1: there is more to do, 0, -1. */
static int transaction(struct publisher *p, struct publication *e, struct fault *why)
{
	struct filling f = {.upto = e->progress};
	int result;

	do {
		struct page page = {0};

		result = next_page(p, e, &f, &page, why);
		if (result == 0)
			result = publish_put_page(p, e, &f, &page, why);
		page_release(&page);
	} while (result == 0 && f.more && !is_full(e, &f) && !p->control->stopping());
	if (result == 0 && (e->adopted || memcmp(&f.upto, &e->progress, sizeof f.upto) != 0))
		result = commit(p, e, &f, why);
	grow_window(p, e);
	return result < 0 ? -1 : f.more || result != COMMITTED;
}

int publish_open(struct publisher *p, struct publication *e, struct fault *why)
{
	if (*e->run.id && strcmp(e->run.id, e->lease.id) != 0)
		return fault_set(why, EX_TEMPFAIL,
				 "event '%s': it was purged, and created anew: run again",
				 e->place.name);
	strcpy(e->run.id, e->lease.id);
	e->progress = (struct progress){.winners = e->lease.settled};
	return keeps_log(e) ? read_progress(p, e, why) : 0;
}

int publish_pass(struct publisher *p, struct publication *e, int64_t limit, struct fault *why)
{
	int more = mirror(p, e, why) < 0 ? -1 : 1;

	e->limit = limit;
	/* The first of a rush do not wait for the last: transactions begin small, and grow while there is more. */
	e->window = step_size(p);
	while (more > 0 && (!p->control->stopping() || p->ahead.state != PAGE_NONE))
		more = transaction(p, e, why);
	if (more < 0)
		drop_page(p);
	return more < 0 ? -1 : 0;
}
