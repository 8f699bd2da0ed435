#include "report.h"

#include <math.h>
#include <string.h>

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

static void add_second(void *self, int64_t joins)
{
	struct reading *reading = self;

	if (joins > reading->report->peak_joins)
		reading->report->peak_joins = joins;
}

int report_read(struct report_source *source, const struct control *control, struct report *report,
		struct fault *why)
{
	struct reading reading = {report, control};
	const struct report_visitor visitor = {
		.self = &reading, .row = add_row, .second = add_second};

	memset(report, 0, sizeof *report);
	return source->read(source, &visitor, &report->event, why);
}

static double per_s(int64_t count, int64_t from_us, int64_t to_us)
{
	return count > 1 && to_us > from_us ? (double)(count - 1) * 1e6 / (double)(to_us - from_us)
					    : NAN;
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
