#include "publish.h"

#include "clock.h"
#include "record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PAGE = 1000 };

/* A transaction being filled. */
struct filling {
	struct progress next; /* what will be out with it */
	int64_t winners, requests, decisions;
	int64_t limit; /* winners yet to be granted */
	bool more;     /* there was more than a page of something */
};

static int put(struct publisher *p, struct publication *e, enum topic topic, const char *key,
	       struct fault *why)
{
	const struct outgoing outgoing = {.topic = topic,
					  .event = e->place.name,
					  .key = key,
					  .bytes = p->record.bytes,
					  .len = p->record.len};

	if (p->record.failed)
		return fault_set(why, EX_OSERR, "out of memory");
	p->control->progress(++p->written);
	return e->sink->put(e->sink, &outgoing, why);
}

/* Reads one answer and puts its rows. */
static int rows(struct publisher *p, struct publication *e, struct filling *f,
		int (*row)(struct publisher *, struct publication *, struct filling *,
			   struct reply *, struct fault *),
		void (*head)(struct publication *, struct filling *, struct reply *),
		struct fault *why)
{
	struct reply reply = {0};
	int result = redis_receive(p->redis, &reply, why);

	if (result < 0)
		step_name_event(why, &e->place);
	if (result == 0 && head)
		head(e, f, &reply);
	while (result == 0 && !reply.unsound && reply_more(&reply))
		result = row(p, e, f, &reply, why);
	if (result == 0)
		result = reply_check(&reply, e->place.event_key, why);
	reply_release(&reply);
	return result;
}

/* --- winners ---------------------------------------------------------------------------------- */

static void winners_head(struct publication *e, struct filling *f, struct reply *reply)
{
	size_t len;
	int64_t upto, fresh;

	snprintf(e->verdict, sizeof e->verdict, "%s", reply_text(reply, &len));
	upto = reply_int(reply);
	fresh = reply_int(reply);
	if (strcmp(e->verdict, "stale") != 0 && strcmp(e->verdict, "lost") != 0)
		f->next.winners = upto;
	f->limit -= fresh;
	f->more = f->more || (strcmp(e->verdict, "more") == 0 && f->limit > 0);
}

static void begin_person(struct winner *winner, const struct publication *e, struct reply *reply)
{
	size_t len;
	const char *user = reply_text(reply, &len);

	winner->replays = 0;
	snprintf(winner->user, sizeof winner->user, "%s", user);
	strcpy(winner->event, e->place.name);
	strcpy(winner->id, e->lease.id);
}

static int winner_row(struct publisher *p, struct publication *e, struct filling *f,
		      struct reply *reply, struct fault *why)
{
	struct winner winner;

	begin_person(&winner, e, reply);
	winner.ticket = reply_int(reply);
	winner.joined_us = reply_int(reply);
	winner.granted_us = reply_int(reply);
	if (reply_check(reply, e->place.event_key, why) < 0)
		return -1;
	buffer_clear(&p->record);
	record_winner(&p->record, &winner);
	f->winners++;
	return put(p, e, TOPIC_WINNERS, winner.user, why);
}

/* --- requests and decisions ------------------------------------------------------------------- */

static int request_row(struct publisher *p, struct publication *e, struct filling *f,
		       struct reply *reply, struct fault *why)
{
	struct winner request;

	begin_person(&request, e, reply);
	request.ticket = ++f->next.requests;
	request.joined_us = reply_int(reply);
	if (reply_check(reply, e->place.line_key, why) < 0)
		return -1;
	buffer_clear(&p->record);
	record_request(&p->record, &request);
	f->requests++;
	return put(p, e, TOPIC_REQUESTS, request.user, why);
}

static void decisions_head(struct publication *e, struct filling *f, struct reply *reply)
{
	(void)e;
	if (reply_int(reply) != f->next.seq + 1)
		reply->unsound = true;
}

/* Decisions about nobody are kept in order by the event's name. */
static int decision_row(struct publisher *p, struct publication *e, struct filling *f,
			struct reply *reply, struct fault *why)
{
	char user[PERSON_MAX + 1];
	size_t len;
	const char *record = reply_text(reply, &len);

	if (reply_check(reply, e->place.event_key, why) < 0 ||
	    record_log_user(record, len, user, why) < 0)
		return -1;
	buffer_clear(&p->record);
	buffer_add(&p->record, record, len);
	f->next.seq++;
	f->decisions++;
	return put(p, e, TOPIC_LOG, *user ? user : e->place.name, why);
}

/* --- a transaction ---------------------------------------------------------------------------- */

static bool keeps_log(const struct publication *e)
{
	return e->sink->progress != NULL;
}

static int send_page(struct publisher *p, struct publication *e, struct filling *f,
		     struct fault *why)
{
	int64_t count = p->batch < PAGE ? p->batch : PAGE;

	if (grant_send(&p->step, p->redis, &e->place, &e->lease, f->next.winners, count, f->limit,
		       why) < 0)
		return -1;
	p->renewed_ms = clock_ms();
	if (!keeps_log(e))
		return 0;
	/* As many requests as winners at least, and asked for later: nobody wins unheard of. */
	return requests_send(p->redis, &e->place, f->next.requests, PAGE, why) < 0
		       ? -1
		       : decisions_send(&p->step, p->redis, &e->place, f->next.seq, PAGE, why);
}

static int read_log_page(struct publisher *p, struct publication *e, struct filling *f,
			 struct fault *why)
{
	int64_t requests = f->requests, decisions = f->decisions;

	if (rows(p, e, f, request_row, NULL, why) < 0 ||
	    rows(p, e, f, decision_row, decisions_head, why) < 0)
		return -1;
	f->more = f->more || f->requests - requests == PAGE || f->decisions - decisions == PAGE;
	return 0;
}

/* Answers nobody will read must not be taken for those to the next calls. */
static int spoil(struct publisher *p)
{
	struct fault ignored;

	while (redis_in_flight(p->redis) > 0 && redis_fd(p->redis) >= 0) {
		struct reply reply = {0};

		if (redis_receive(p->redis, &reply, &ignored) < 0 &&
		    ignored.status == EX_UNAVAILABLE)
			break;
		reply_release(&reply);
	}
	return -1;
}

static int page(struct publisher *p, struct publication *e, struct filling *f, struct fault *why)
{
	f->more = false;
	if (send_page(p, e, f, why) < 0 || rows(p, e, f, winner_row, winners_head, why) < 0 ||
	    (keeps_log(e) && read_log_page(p, e, f, why) < 0))
		return spoil(p);
	return 0;
}

static int stale(struct publication *e, struct fault *why)
{
	strcpy(e->verdict, "stale");
	return fault_set(why, EX_TEMPFAIL, "event '%s': another dispatcher has taken the lease",
			 e->place.name);
}

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

static int check_verdict(struct publication *e, struct fault *why)
{
	if (strcmp(e->verdict, "stale") == 0)
		return stale(e, why);
	if (strcmp(e->verdict, "lost") == 0)
		return fault_set(why, EX_PROTOCOL,
				 "event '%s': redis has lost grants that were written, the last of "
				 "them ticket %" PRId64
				 ": restore it before anybody dispatches again",
				 e->place.name, e->progress.winners);
	return 0;
}

static int mirror(struct publisher *p, struct publication *e, struct fault *why)
{
	struct mirror m;

	if (!keeps_log(e))
		return 0;
	if (lease_mirror(&p->step, p->redis, &e->place, &e->lease, &e->progress, &m, why) < 0)
		return -1;
	p->renewed_ms = clock_ms();
	if (strcmp(m.verdict, "stale") == 0)
		return stale(e, why);
	return strcmp(m.verdict, "lost") == 0 ? lost(e, &m.has, why) : 0;
}

static int put_progress(struct publisher *p, struct publication *e, const struct filling *f,
			struct fault *why)
{
	if (!keeps_log(e))
		return 0;
	buffer_clear(&p->record);
	record_progress(&p->record, e->place.name, e->lease.id, &f->next);
	return put(p, e, TOPIC_PROGRESS, e->lease.id, why);
}

/* It was not committed, or nobody can tell: the log says how far it got. */
static int recover(struct publisher *p, struct publication *e, struct fault *why)
{
	int held = lease_renew(&p->step, p->redis, &e->place, &e->lease, why);

	if (held <= 0)
		return held < 0 ? -1 : stale(e, why);
	return e->sink->restart(e->sink, why) < 0
		       ? -1
		       : e->sink->progress(e->sink, e->lease.id, &e->progress, why);
}

static int commit(struct publisher *p, struct publication *e, const struct filling *f,
		  struct fault *why)
{
	int outcome;

	if (put_progress(p, e, f, why) < 0 || e->sink->commit(e->sink, why) < 0)
		return -1;
	outcome = e->sink->settle(e->sink, why);
	if (outcome < 0 || (outcome != COMMITTED && recover(p, e, why) < 0))
		return -1;
	if (outcome == COMMITTED)
		e->progress = f->next;
	/* Where it could not be told, the progress read anew tells. */
	if (e->progress.winners >= f->next.winners && e->progress.requests >= f->next.requests) {
		e->run.in += f->winners;
		e->run.done += f->winners;
	}
	return mirror(p, e, why) < 0 ? -1 : outcome;
}

/* 1: there is more to do, 0, -1. */
static int transaction(struct publisher *p, struct publication *e, int64_t *limit,
		       struct fault *why)
{
	struct filling f = {.next = e->progress, .limit = *limit};
	int outcome;

	do {
		if (page(p, e, &f, why) < 0 || check_verdict(e, why) < 0)
			return -1;
	} while (f.more && f.winners < p->batch && f.requests < p->batch &&
		 f.decisions < p->batch && !p->control->stopping());
	*limit = f.limit;
	if (memcmp(&f.next, &e->progress, sizeof f.next) == 0)
		return f.more;
	outcome = commit(p, e, &f, why);
	return outcome < 0 ? -1 : f.more || outcome != COMMITTED;
}

int publish_open(struct publisher *p, struct publication *e, struct fault *why)
{
	if (*e->run.id && strcmp(e->run.id, e->lease.id) != 0)
		return fault_set(why, EX_TEMPFAIL,
				 "event '%s': it was purged, and created anew: run again",
				 e->place.name);
	strcpy(e->run.id, e->lease.id);
	e->progress = (struct progress){.winners = e->lease.settled};
	(void)p;
	return keeps_log(e) ? e->sink->progress(e->sink, e->lease.id, &e->progress, why) : 0;
}

int publish_pass(struct publisher *p, struct publication *e, int64_t limit, struct fault *why)
{
	int more = mirror(p, e, why) < 0 ? -1 : 1;

	while (more > 0 && !p->control->stopping())
		more = transaction(p, e, &limit, why);
	return more < 0 ? -1 : 0;
}
