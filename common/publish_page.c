/*
 * publish_page.c - a page's rows become records.
 */
#include "publish_private.h"

#include "record.h"

int publish_put(struct publisher *p, struct publication *e, enum topic topic, const char *key,
		const struct buffer *record, struct fault *why)
{
	const struct outgoing outgoing = {.topic = topic,
					  .event = e->place.name,
					  .key = key,
					  .bytes = record->bytes,
					  .len = record->len};

	if (record->failed)
		return fault_set(why, EX_OSERR, "out of memory");
	p->control->progress(++p->written);
	return e->sink->put(e->sink, &outgoing, why);
}

/* --- people ------------------------------------------------------------------------------------ */

/* A record of which many begin alike. */
struct stem {
	enum topic topic;
	void (*add)(struct buffer *, const struct winner *); /* what is a person's, behind it */
	struct buffer record;
	size_t len; /* of what is the same */
};

struct crowd {
	struct winner person; /* the one that is put */
	struct stem winner, request;
};

static void grow_stem(struct stem *stem, const char *type, const struct publication *e)
{
	record_stem(&stem->record, type, e->place.name, e->lease.id);
	stem->len = stem->record.len;
}

static int put_person(struct publisher *p, struct publication *e, struct stem *stem,
		      const struct winner *person, struct fault *why)
{
	buffer_cut(&stem->record, stem->len);
	stem->add(&stem->record, person);
	return publish_put(p, e, stem->topic, person->user, &stem->record, why);
}

static int read_person(struct winner *person, struct reply *line, const struct publication *e,
		       struct fault *why)
{
	reply_copy(line, person->user, sizeof person->user);
	person->joined_us = reply_int(line);
	return reply_check(line, e->place.line_key, why);
}

/* Rows of the line behind ticket `after`. */
struct rows {
	struct reply *line;
	int64_t after;
	struct granted *granted; /* who of them wins; NULL: nobody */
	bool requests;		 /* they are requests, too */
};

static int put_rows(struct publisher *p, struct publication *e, struct filling *f,
		    struct crowd *crowd, const struct rows *rows, struct fault *why)
{
	struct winner *person = &crowd->person;

	for (person->ticket = rows->after + 1; reply_more(rows->line); person->ticket++) {
		if (read_person(person, rows->line, e, why) < 0)
			return -1;
		if (rows->granted &&
		    granted_next(rows->granted, person->ticket) == person->ticket) {
			person->granted_us = rows->granted->granted_us;
			f->winners++;
			if (put_person(p, e, &crowd->winner, person, why) < 0)
				return -1;
		}
		if (rows->requests && put_person(p, e, &crowd->request, person, why) < 0)
			return -1;
	}
	return 0;
}

/* The winners are rows of their own, or among the requests. */
static int put_people(struct publisher *p, struct publication *e, struct filling *f,
		      struct page *page, struct fault *why)
{
	const struct rows winners = {&page->part[PART_WINNERS], page->from.winners, &page->granted,
				     false};
	const struct rows requests = {&page->part[PART_REQUESTS], page->from.requests,
				      page->asked[PART_WINNERS] ? NULL : &page->granted, true};
	struct crowd crowd = {.winner = {.topic = TOPIC_WINNERS, .add = record_add_winner},
			      .request = {.topic = TOPIC_REQUESTS, .add = record_add_request}};
	int result;

	grow_stem(&crowd.winner, "winner", e);
	grow_stem(&crowd.request, "request", e);
	result = put_rows(p, e, f, &crowd, &winners, why);
	if (result == 0)
		result = put_rows(p, e, f, &crowd, &requests, why);
	buffer_release(&crowd.winner.record);
	buffer_release(&crowd.request.record);
	return result;
}

/* Decisions about nobody are kept in order by the event's name. */
static int put_decision(struct publisher *p, struct publication *e, struct reply *reply,
			struct fault *why)
{
	char user[PERSON_MAX + 1];
	size_t len;
	const char *record = reply_text(reply, &len);

	if (reply_check(reply, e->place.event_key, why) < 0 ||
	    record_log_user(record, len, user, why) < 0)
		return -1;
	buffer_clear(&p->record);
	buffer_add(&p->record, record, len);
	return publish_put(p, e, TOPIC_LOG, *user ? user : e->place.name, &p->record, why);
}

int publish_stale(struct publication *e, struct fault *why)
{
	e->answer = SERVE_STALE;
	return fault_set(why, EX_TEMPFAIL, "event '%s': another dispatcher has taken the lease",
			 e->place.name);
}

/* Only another server has a shorter line than the step had that granted these: one that lacks some of it. */
static int shorter(struct publication *e, struct fault *why)
{
	e->answer = SERVE_STALE;
	return fault_set(why, EX_TEMPFAIL,
			 "event '%s': redis has lost who was granted a slot just now",
			 e->place.name);
}

int publish_put_page(struct publisher *p, struct publication *e, struct filling *f,
		     struct page *page, struct fault *why)
{
	struct reply *decisions = &page->part[PART_DECISIONS];

	if (page->stale)
		return publish_stale(e, why);
	if (page->torn)
		return shorter(e, why);
	if (put_people(p, e, f, page, why) < 0)
		return -1;
	while (reply_more(decisions))
		if (put_decision(p, e, decisions, why) < 0)
			return -1;
	f->upto = page->upto;
	if (!f->connections)
		f->connections = page->granted.connections;
	return 0;
}
