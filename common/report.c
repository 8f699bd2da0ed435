#include "report.h"

#include <stdio.h>
#include <string.h>

enum { PAGE = 1000 };

static void read_row(struct reply *reply, struct report_row *row)
{
	struct winner *winner = &row->issued.winner;
	size_t len;

	winner->ticket = reply_int(reply);
	snprintf(winner->user, sizeof winner->user, "%s", reply_text(reply, &len));
	winner->joined_us = reply_int(reply);
	winner->granted_us = reply_int(reply);
	snprintf(row->state, sizeof row->state, "%s", reply_text(reply, &len));
	row->issued.issued_us = reply_int(reply);
	snprintf(row->issued.code, sizeof row->issued.code, "%s", reply_text(reply, &len));
}

/* One page from `from` on. Returns the ticket to go on from, 0 at the end, -1. */
static int64_t each_on_page(struct redis *redis, const struct place *place, struct step *step,
			    struct report_row *row, int64_t from, bool codes,
			    int (*visit)(void *, const struct report_row *, struct fault *),
			    void *self, struct fault *why)
{
	struct reply reply = {0};
	int64_t last;
	int result;

	step_begin(step, place, "page", true);
	step_int(step, from);
	step_int(step, PAGE);
	step_text(step, codes ? "codes" : "");
	result = step_call(step, place, redis, &reply, why);
	last = result == 0 ? reply_int(&reply) : 0;
	while (result == 0 && reply_more(&reply)) {
		read_row(&reply, row);
		result = reply_check(&reply, place->line_key, why);
		if (result == 0)
			result = visit(self, row, why);
	}
	reply_release(&reply);
	if (result < 0)
		return -1;
	return last < from + PAGE - 1 ? 0 : last + 1;
}

static int each(struct redis *redis, const struct place *place, const char *id, bool codes,
		int (*visit)(void *, const struct report_row *, struct fault *), void *self,
		struct fault *why)
{
	struct report_row row = {0};
	struct step step;
	int64_t next = 1;

	if (step_init(&step, 3, why) < 0)
		return -1;
	strcpy(row.issued.winner.event, place->name);
	strcpy(row.issued.winner.id, id);
	while (next > 0)
		next = each_on_page(redis, place, &step, &row, next, codes, visit, self, why);
	step_release(&step);
	return (int)next;
}

int report_each(struct redis *redis, const struct place *place, bool codes,
		int (*visit)(void *, const struct report_row *, struct fault *), void *self,
		struct fault *why)
{
	struct event event;

	if (event_show(redis, place, &event, why) < 0)
		return -1;
	return each(redis, place, event.id, codes, visit, self, why);
}

struct reading {
	struct report *report;
	const struct control *control;
};

static int add_row(void *self, const struct report_row *row, struct fault *why)
{
	struct reading *reading = self;
	struct report *report = reading->report;
	const struct winner *winner = &row->issued.winner;
	int64_t issued_us = row->issued.issued_us;

	(void)why;
	histogram_add(&report->granted_after_us, winner->granted_us - winner->joined_us);
	reading->control->progress(winner->ticket);
	if (strcmp(row->state, "issued") == 0) {
		histogram_add(&report->issued_after_us, issued_us - winner->joined_us);
		if (!report->first_issued_us || issued_us < report->first_issued_us)
			report->first_issued_us = issued_us;
		if (issued_us > report->last_issued_us)
			report->last_issued_us = issued_us;
	} else if (strcmp(row->state, "granted") == 0 || strcmp(row->state, "assigned") == 0) {
		report->unissued++;
		if (!report->oldest_ticket) {
			report->oldest_ticket = winner->ticket;
			report->oldest_granted_us = winner->granted_us;
		}
	}
	return 0;
}

/* A page of seconds, from the ticket `from` on. Returns the ticket to go on from, 0 at the end, -1. */
static int64_t peak_of_page(struct redis *redis, const struct place *place, struct step *step,
			    int64_t from, int64_t *peak, struct fault *why)
{
	struct reply reply = {0};
	int64_t next = -1;

	step_begin(step, place, "seconds", true);
	step_int(step, from);
	step_int(step, PAGE);
	if (step_call(step, place, redis, &reply, why) < 0)
		return -1;
	next = reply_int(&reply);
	while (reply_more(&reply)) {
		int64_t joins = (reply_int(&reply), reply_int(&reply));

		if (joins > *peak)
			*peak = joins;
	}
	if (next != 0 && next <= from)
		reply.unsound = true;
	if (reply_check(&reply, place->line_key, why) < 0)
		next = -1;
	reply_release(&reply);
	return next;
}

static int read_peak(struct redis *redis, const struct place *place, struct report *report,
		     struct fault *why)
{
	struct step step;
	int64_t next = 1;

	if (step_init(&step, 2, why) < 0)
		return -1;
	while (next > 0)
		next = peak_of_page(redis, place, &step, next, &report->peak_joins, why);
	step_release(&step);
	return (int)next;
}

int report_read(struct redis *redis, const struct place *place, const struct control *control,
		struct report *report, struct fault *why)
{
	struct reading reading = {report, control};

	memset(report, 0, sizeof *report);
	if (event_show(redis, place, &report->event, why) < 0 ||
	    read_peak(redis, place, report, why) < 0)
		return -1;
	return each(redis, place, report->event.id, false, add_row, &reading, why);
}

static double per_s(int64_t count, int64_t from_us, int64_t to_us)
{
	return count > 1 && to_us > from_us ? (double)(count - 1) * 1e6 / (double)(to_us - from_us)
					    : 0;
}

double report_joins_per_s(const struct report *report)
{
	const struct event *event = &report->event;

	return per_s(event->in_line, event->first_joined_us, event->last_joined_us);
}

double report_issued_per_s(const struct report *report)
{
	return per_s((int64_t)report->issued_after_us.count, report->first_issued_us,
		     report->last_issued_us);
}
