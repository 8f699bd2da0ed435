#include "report.h"

#include "input.h"
#include "letters.h"
#include "output.h"
#include "parse.h"
#include "report_kafka.h"
#include "runlog.h"
#include "table.h"
#include "ui.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ISSUED = 1000, RUNS, OFFSETS, DEAD_LETTERS, ARCHIVE };

struct request {
	int what;	     /* one of the first four; 0: the report */
	const char *archive; /* NULL: Redis is asked */
};

static const struct ui_option OPTIONS[] = {
	{"issued", ISSUED, NULL, "every person and code; a file it goes to is made 0600"},
	{"runs", RUNS, NULL, "the runs of dispatch and issue, oldest first"},
	{"offsets", OFFSETS, NULL, "how far the issuers are, a line a partition"},
	{"dead-letters", DEAD_LETTERS, NULL, "what could not be issued, and why, a line each"},
	{"archive", ARCHIVE, "FILE", "of fcfs-archive, instead of Redis; - is stdin"},
	{0},
};

static int take(void *self, int letter, const char *value, struct fault *why)
{
	struct request *r = self;

	if (letter == ARCHIVE)
		return r->archive = value, 0;
	if (r->what && r->what != letter)
		return fault_set(why, EX_USAGE,
				 "--issued, --runs, --offsets or --dead-letters: one of them");
	r->what = letter;
	return 0;
}

static const struct ui_tool TOOL = {
	.name = "fcfs-report",
	.synopsis = "EVENT\n"
		    "--issued EVENT\n"
		    "--runs [EVENT]\n"
		    "--offsets\n"
		    "--dead-letters [EVENT]\n"
		    "[--issued | --runs] --archive FILE",
	.about = "Tells what became of an event: totals, refusals, rates, waiting times, stages.",
	.options = OPTIONS,
	.kafka = true,
	.take = take,
};

static void show_people(struct table *t, const struct event *e)
{
	table_int(t, "requests",
		  e->joined + e->already + e->refused_soldout + e->refused_early +
			  e->refused_closed + e->refused_paused + e->refused_left);
	table_int(t, "joined", e->joined);
	table_int(t, "already", e->already);
	table_int(t, "refused_soldout", e->refused_soldout);
	table_int(t, "refused_early", e->refused_early);
	table_int(t, "refused_closed", e->refused_closed);
	table_int(t, "refused_paused", e->refused_paused);
	table_int(t, "refused_left", e->refused_left);
}

static void show_slots(struct table *t, const struct report *r)
{
	const struct event *e = &r->event;

	table_int(t, "stock", e->stock);
	table_int(t, "standby", e->standby);
	table_int(t, "left", e->left);
	table_int(t, "granted", e->granted);
	table_int(t, "returned", e->returned);
	table_int(t, "issued", e->issued);
	table_int(t, "parked", e->parked);
	table_int(t, "revoked", e->revoked);
	table_int(t, "burnt", e->burnt);
	table_int_if(t, event_has_pool(e), "codes_loaded", e->codes_loaded);
	table_int_if(t, event_has_pool(e), "codes_left", e->codes_left);
	table_int(t, "waiting", event_waiting(e));
	table_int(t, "unissued", r->unissued);
}

static void show_waits(struct table *t, const char *what, const struct histogram *h)
{
	static const struct {
		const char *name;
		double percent;
	} POINTS[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"max", 100}};
	char name[40];

	for (size_t i = 0; i < sizeof POINTS / sizeof *POINTS; i++) {
		snprintf(name, sizeof name, "%s_%s_ms", what, POINTS[i].name);
		table_number(t, name,
			     h->count ? (double)histogram_percentile(h, POINTS[i].percent) / 1000
				      : NAN);
	}
}

static void show_stages(struct table *t, const struct report *r)
{
	const struct event *e = &r->event;

	table_text(t, "bus", e->bus);
	table_text(t, "lease", e->lease);
	table_int(t, "epoch", e->epoch);
	table_time(t, "last_pass", e->pass_us);
	table_int_if(t, r->oldest_ticket != 0, "oldest_unissued_ticket", r->oldest_ticket);
	table_number(t, "oldest_unissued_s",
		     r->oldest_ticket ? (double)(e->now_us - r->oldest_granted_us) / 1e6 : NAN);
	table_int(t, "decisions", e->seq);
}

static int show(const struct origin *from, struct fault *why)
{
	struct report *r = malloc(sizeof *r);
	struct table t;
	int result = -1;

	if (!r)
		return fault_errno(why, EX_OSERR, "report");
	if (report_read(from->source, &ui_control, r, why) == 0) {
		table_begin(&t);
		table_text(&t, "event", from->source->event);
		table_text(&t, "id", r->event.id);
		table_text(&t, "name", r->event.title);
		table_text(&t, "state", r->event.door);
		show_people(&t, &r->event);
		show_slots(&t, r);
		table_time(&t, "first_joined", r->event.first_joined_us);
		table_time(&t, "last_joined", r->event.last_joined_us);
		table_number(&t, "joins_per_s", report_joins_per_s(r));
		table_int(&t, "joins_per_s_peak", r->peak_joins);
		table_number(&t, "issued_per_s", report_issued_per_s(r));
		show_waits(&t, "granted_after", &r->granted_after_us);
		show_waits(&t, "issued_after", &r->issued_after_us);
		show_stages(&t, r);
		if (report_kafka(&t, from, r, why) == 0)
			result = table_end(&t, why);
		buffer_release(&t.out);
	}
	free(r);
	return result;
}

static int print_issued(void *self, const struct report_row *row, struct fault *why)
{
	const struct issued *issued = &row->issued;
	struct buffer *line = self;

	if (strcmp(row->state, "issued") != 0)
		return 0;
	buffer_clear(line);
	if (ui.json) {
		record_issued(line, issued);
		return ui_line(line, why);
	}
	printf("%s\t%s\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\n", issued->winner.user,
	       issued->code, issued->winner.ticket, issued->winner.joined_us,
	       issued->winner.granted_us, issued->issued_us);
	return ferror(stdout) ? fault_errno(why, EX_IOERR, "standard output") : 0;
}

static int show_issued(const struct origin *from, struct fault *why)
{
	struct buffer line = {0};
	const struct report_visitor visitor = {.self = &line, .codes = true, .row = print_issued};
	struct event event;
	int result;

	output_protect();
	result = from->source->read(from->source, &visitor, &event, why);
	buffer_release(&line);
	return result;
}

static int print_run(void *self, const char *json, size_t len, struct fault *why)
{
	char started[TIME_TEXT];
	struct run run;

	(void)self;
	if (ui.json)
		return printf("%s\n", json), 0;
	if (run_read(json, len, &run, why) < 0)
		return -1;
	format_time(started, run.started_us);
	printf("%s\t%s\t%s\t%.3f\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64
	       "\t%" PRId64 "\t%s\t%s\t%s\n",
	       started, run.tool, run.status, (double)(run.ended_us - run.started_us) / 1e6, run.in,
	       run.done, run.already, run.refused, run.dead, run.retried, run.host, run.run,
	       *run.error ? run.error : "-");
	return 0;
}

static int show_runs(const struct origin *from, struct fault *why)
{
	const struct report_visitor visitor = {.run = print_run};
	struct event event;

	return from->source->read(from->source, &visitor, &event, why);
}

/* Those of no event. */
static int show_nameless_runs(struct redis *redis, struct fault *why)
{
	struct reply reply = {0};
	int result = runlog_read_nameless(redis, ui.config.prefix, &reply, why);

	while (result == 0 && reply_more(&reply)) {
		size_t len;
		const char *json = reply_text(&reply, &len);

		result = print_run(NULL, json, len, why);
	}
	reply_release(&reply);
	return result;
}

/* --- dead letters ----------------------------------------------------------------------------- */

struct listing {
	const char *event; /* NULL: all */
	bool bad;
};

static int list_letter(void *self, const struct letter *letter, struct fault *why)
{
	struct listing *listing = self;

	listing->bad = listing->bad || letter->status == LETTER_BAD;
	if (letter->status == LETTER_BAD ||
	    (listing->event && strcmp(listing->event, letter->winner.event) != 0))
		return 0;
	return letters_print(letter, why);
}

static int list_dead(const char *event, struct fault *why)
{
	struct listing listing = {.event = event};
	struct mailbox *mailbox;
	struct kafka *kafka;
	int result = letters_open(false, &kafka, &mailbox, why);

	if (result == 0)
		result = mailbox->each(mailbox, list_letter, &listing, why);
	if (mailbox)
		mailbox->close(mailbox);
	kafka_close(kafka);
	return result < 0 ? -1 : listing.bad ? EX_DATAERR : STATUS_YES;
}

/* --- which of them, and from where ------------------------------------------------------------ */

static int show_what(int what, const struct origin *from, struct fault *why)
{
	int result = -1;

	if (!from->source)
		return -1;
	if (what == ISSUED)
		result = show_issued(from, why);
	else if (what == RUNS)
		result = show_runs(from, why);
	else
		result = show(from, why);
	from->source->close(from->source);
	return result;
}

static int run_archive(const struct request *r, struct fault *why)
{
	struct origin from = {0};
	int fd = input_open(r->archive, why), result;

	if (fd < 0)
		return -1;
	from.source = report_from_archive(fd, &ui_control, why);
	result = show_what(r->what, &from, why);
	close(fd);
	return result;
}

static int run_redis(const struct request *r, const struct place *place, struct fault *why)
{
	struct origin from = {.redis = ui_connect(why), .place = place};
	int result;

	if (!from.redis)
		return -1;
	if (place) {
		from.source = report_from_redis(from.redis, place, why);
		result = show_what(r->what, &from, why);
	} else {
		result = show_nameless_runs(from.redis, why);
	}
	redis_close(from.redis);
	return result;
}

static void check_operands(const struct request *r, char **operands)
{
	bool names_none = r->what == RUNS || r->what == DEAD_LETTERS;

	if (r->archive && (operands[0] || r->what == OFFSETS || r->what == DEAD_LETTERS))
		ui_misuse("--archive goes with --issued or --runs, and names the event itself");
	if (r->what == OFFSETS && operands[0])
		ui_misuse("--offsets are of all events: name none");
	if (!r->archive && r->what != OFFSETS && (operands[0] ? operands[1] != NULL : !names_none))
		ui_misuse("name one event");
}

static int run(const struct request *r, char **operands, struct fault *why)
{
	struct place place;

	check_operands(r, operands);
	if (r->archive)
		return run_archive(r, why);
	if (r->what == OFFSETS)
		return report_offsets(why);
	if (operands[0] && place_init(&place, ui.config.prefix, operands[0], why) < 0)
		return -1;
	if (r->what == DEAD_LETTERS)
		return list_dead(operands[0], why);
	return run_redis(r, operands[0] ? &place : NULL, why);
}

int main(int argc, char **argv)
{
	struct request request = {0};
	struct fault why;
	char **operands = ui_start(&TOOL, argc, argv, &request);

	return ui_finish(run(&request, operands, &why), &why);
}
