#include "page.h"

#include <string.h>

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Where both go on from the same ticket, the winners are among the requests. */
static void choose_parts(struct page *page)
{
	const struct progress *from = &page->from, *all = &page->granted.upto;

	page->upto = *from;
	page->upto.winners = all->winners;
	if (page->log && all->requests > from->requests)
		page->upto.requests = least(all->requests, from->requests + PAGE_ROWS);
	page->asked[PART_REQUESTS] = page->upto.requests > from->requests;
	page->asked[PART_WINNERS] =
		all->winners > from->winners &&
		!(page->asked[PART_REQUESTS] && from->winners == from->requests);
	page->asked[PART_DECISIONS] = page->log && all->seq > from->seq;
	page->asked[PART_ID] = page->asked[PART_WINNERS] || page->asked[PART_REQUESTS] ||
			       page->asked[PART_DECISIONS];
}

static int ask_people(const struct page *page, struct redis *redis, const struct place *place,
		      struct fault *why)
{
	const struct progress *from = &page->from, *upto = &page->upto;

	if (page->asked[PART_WINNERS] &&
	    people_send(redis, place, from->winners, upto->winners, why) < 0)
		return -1;
	return page->asked[PART_REQUESTS]
		       ? people_send(redis, place, from->requests, upto->requests, why)
		       : 0;
}

int page_ask(struct page *page, struct step *step, struct redis *redis, const struct place *place,
	     const struct lease *lease, const struct progress *from, bool log,
	     struct granted *granted, struct fault *why)
{
	*page = (struct page){.state = PAGE_ASKED,
			      .lease = lease,
			      .log = log,
			      .from = *from,
			      .granted = *granted};
	*granted = (struct granted){0};
	choose_parts(page);
	if (ask_people(page, redis, place, why) < 0)
		return -1;
	if (page->asked[PART_DECISIONS] &&
	    decisions_send(step, redis, place, from->seq, PAGE_ROWS, why) < 0)
		return -1;
	return page->asked[PART_ID] ? id_send(redis, place, why) : 0;
}

int page_ask_grant(struct page *page, struct step *step, struct redis *redis,
		   const struct place *place, struct lease *lease, int64_t count, int64_t limit,
		   struct fault *why)
{
	page->asked[PART_GRANT] = true;
	return grant_send(step, redis, place, lease, page->upto.winners, count, limit, why);
}

/* --- hearing ---------------------------------------------------------------------------------- */

static bool is_stale(struct page *page)
{
	size_t len;

	/* a purged event has no id: that is no text */
	return page->asked[PART_ID] &&
	       strcmp(reply_text(&page->part[PART_ID], &len), page->lease->id) != 0;
}

static bool is_torn(const struct page *page, enum page_part part, int64_t people)
{
	return page->asked[part] && (int64_t)page->part[part].count / 2 < people;
}

static int read_decisions(struct page *page, const struct place *place, struct fault *why)
{
	struct reply *reply = &page->part[PART_DECISIONS];

	if (!page->asked[PART_DECISIONS])
		return 0;
	if (reply_int(reply) != page->from.seq + 1)
		reply->unsound = true;
	page->upto.seq += (int64_t)reply->count - 1;
	return reply_check(reply, place->event_key, why);
}

static int read_next(struct page *page, const struct redis *redis, const struct place *place,
		     struct fault *why)
{
	if (page->asked[PART_GRANT])
		return granted_read(&page->next, &page->part[PART_GRANT], redis, place, why);
	page->next = page->granted;
	page->next.runs = (struct reply){0};
	page->next.fresh = 0;
	return 0;
}

/* All that is in flight is this page's. The first fault is its; the answers behind it are received,
 * too: nobody may take them for those to later calls. */
static void receive(struct page *page, struct redis *redis, const struct place *place)
{
	bool lost = false;
	struct fault why;

	for (int i = 0; i < PARTS && redis_in_flight(redis) > 0 && !lost; i++) {
		if (!page->asked[i] || redis_receive(redis, &page->part[i], &why) == 0)
			continue;
		lost = redis_fd(redis) < 0;
		if (!page->failed)
			page->why = why;
		page->failed = true;
	}
	if (page->failed)
		step_name_event(&page->why, place);
}

void page_hear(struct page *page, struct redis *redis, const struct place *place)
{
	const struct progress *from = &page->from, *upto = &page->upto;

	if (page->state != PAGE_ASKED)
		return;
	page->state = PAGE_HEARD;
	receive(page, redis, place);
	if (page->failed)
		return;
	page->stale = is_stale(page);
	page->torn = is_torn(page, PART_WINNERS, upto->winners - from->winners) ||
		     is_torn(page, PART_REQUESTS, upto->requests - from->requests);
	page->failed = read_next(page, redis, place, &page->why) < 0 ||
		       (!page->stale && read_decisions(page, place, &page->why) < 0);
}

bool page_goes_on(const struct page *page)
{
	const struct progress *seen = &page->next.upto, *upto = &page->upto;

	return seen->winners > upto->winners ||
	       (page->log && (seen->requests > upto->requests || seen->seq > upto->seq));
}

void page_release(struct page *page)
{
	for (int i = 0; i < PARTS; i++)
		reply_release(&page->part[i]);
	granted_release(&page->granted);
	granted_release(&page->next);
	*page = (struct page){0};
}
