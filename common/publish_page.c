/*
 * publish_page.c - a page's rows become records.
 */
#include "publish_private.h"

#include "record.h"

#include <string.h>

int publish_put(struct publisher *p, struct publication *e, enum topic topic, const char *key,
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

/* --- a page's rows ---------------------------------------------------------------------------- */

static void begin_people(struct winner *person, const struct publication *e)
{
	*person = (struct winner){0};
	strcpy(person->event, e->place.name);
	strcpy(person->id, e->lease.id);
}

static int read_person(struct winner *person, struct reply *line, const struct publication *e,
		       struct fault *why)
{
	size_t len;
	const char *user = reply_text(line, &len);

	if (len >= sizeof person->user) {
		line->unsound = true;
		len = 0;
	}
	memcpy(person->user, user, len);
	person->user[len] = '\0';
	person->joined_us = reply_int(line);
	return reply_check(line, e->place.line_key, why);
}

static int put_winner(struct publisher *p, struct publication *e, const struct winner *winner,
		      struct fault *why)
{
	buffer_clear(&p->record);
	record_winner(&p->record, winner);
	return publish_put(p, e, TOPIC_WINNERS, winner->user, why);
}

static int put_request(struct publisher *p, struct publication *e, const struct winner *request,
		       struct fault *why)
{
	buffer_clear(&p->record);
	record_request(&p->record, request);
	return publish_put(p, e, TOPIC_REQUESTS, request->user, why);
}

/* People as they stand in line behind ticket `after`: those who win, unless `granted` is NULL, and all of
 * them where they are requests. */
static int put_people(struct publisher *p, struct publication *e, struct filling *f,
		      struct granted *granted, struct reply *line, int64_t after, bool requests,
		      struct fault *why)
{
	struct winner person;

	begin_people(&person, e);
	for (person.ticket = after + 1; reply_more(line); person.ticket++) {
		if (read_person(&person, line, e, why) < 0)
			return -1;
		if (granted && granted_next(granted, person.ticket) == person.ticket) {
			person.granted_us = granted->granted_us;
			f->winners++;
			if (put_winner(p, e, &person, why) < 0)
				return -1;
		}
		if (requests && put_request(p, e, &person, why) < 0)
			return -1;
	}
	return 0;
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
	return publish_put(p, e, TOPIC_LOG, *user ? user : e->place.name, why);
}

int publish_stale(struct publication *e, struct fault *why)
{
	strcpy(e->verdict, "stale");
	return fault_set(why, EX_TEMPFAIL, "event '%s': another dispatcher has taken the lease",
			 e->place.name);
}

/* Only another server has a shorter line than the step had that granted these: one that lacks some of it. */
static int shorter(struct publication *e, struct fault *why)
{
	strcpy(e->verdict, "stale");
	return fault_set(why, EX_TEMPFAIL,
			 "event '%s': redis has lost who was granted a slot just now",
			 e->place.name);
}

int publish_put_page(struct publisher *p, struct publication *e, struct filling *f,
		     struct page *page, struct fault *why)
{
	struct reply *winners = &page->part[PART_WINNERS], *requests = &page->part[PART_REQUESTS];
	struct reply *decisions = &page->part[PART_DECISIONS];
	struct granted *granted = &page->granted;

	if (page->stale)
		return publish_stale(e, why);
	if (page->torn)
		return shorter(e, why);
	if (put_people(p, e, f, granted, winners, page->from.winners, false, why) < 0 ||
	    put_people(p, e, f, page->asked[PART_WINNERS] ? NULL : granted, requests,
		       page->from.requests, true, why) < 0)
		return -1;
	while (reply_more(decisions))
		if (put_decision(p, e, decisions, why) < 0)
			return -1;
	f->upto = page->upto;
	if (!f->connections)
		f->connections = page->granted.connections;
	return 0;
}
