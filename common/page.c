#include "page.h"

#include <stdio.h>

int page_ask(struct page *page, struct step *step, struct redis *redis, const struct place *place,
	     struct lease *lease, const struct progress *from, bool log, int64_t winners,
	     int64_t limit, struct fault *why)
{
	int64_t count = winners < PAGE_ROWS ? winners : PAGE_ROWS;

	*page = (struct page){.state = PAGE_ASKED, .log = log, .from = *from};
	if (grant_send(step, redis, place, lease, from->winners, count, limit, why) < 0)
		return -1;
	if (!log)
		return 0;
	/* As many requests as winners at least, and asked for later: nobody wins unheard of. */
	return requests_send(redis, place, from->requests, PAGE_ROWS, why) < 0
		       ? -1
		       : decisions_send(step, redis, place, from->seq, PAGE_ROWS, why);
}

static void read_winners(struct page *page)
{
	struct reply *reply = &page->winners;
	size_t len;

	snprintf(page->verdict, sizeof page->verdict, "%s", reply_text(reply, &len));
	page->upto.winners = reply_int(reply);
	page->fresh = reply_int(reply);
}

static void read_log(struct page *page)
{
	int64_t requests = (int64_t)page->requests.count / 2;
	int64_t first = reply_int(&page->decisions);
	int64_t decisions = (int64_t)page->decisions.count - 1;

	if (first != page->from.seq + 1)
		page->decisions.unsound = true;
	page->upto.requests += requests;
	page->upto.seq += decisions;
	page->full = requests == PAGE_ROWS || decisions == PAGE_ROWS;
}

/* All that is in flight is this page's. The first fault is its; the answers behind it are received,
 * too: nobody may take them for those to later calls. */
static void receive(struct page *page, struct redis *redis, const struct place *place)
{
	struct reply *into[] = {&page->winners, &page->requests, &page->decisions};
	const size_t parts = sizeof into / sizeof *into;
	bool lost = false;
	struct fault why;

	for (size_t i = 0; i < parts && redis_in_flight(redis) > 0 && !lost; i++) {
		int result = redis_receive(redis, into[i], &why);

		if (i == 0)
			page->connections = redis_connections(redis);
		if (result == 0)
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
	if (page->state != PAGE_ASKED)
		return;
	page->state = PAGE_HEARD;
	page->upto = page->from;
	receive(page, redis, place);
	if (page->failed)
		return;
	read_winners(page);
	if (page->log)
		read_log(page);
	page->failed =
		reply_check(&page->winners, place->event_key, &page->why) < 0 ||
		(page->log && reply_check(&page->decisions, place->event_key, &page->why) < 0);
}

void page_release(struct page *page)
{
	reply_release(&page->winners);
	reply_release(&page->requests);
	reply_release(&page->decisions);
	*page = (struct page){0};
}
