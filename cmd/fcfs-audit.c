#include "audit.h"

#include "event.h"
#include "explain.h"
#include "explain_sources.h"
#include "parse.h"
#include "table.h"
#include "ui.h"
#include "ui_kafka.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LEDGER = 1000, LIMIT, FINAL, EXPLAIN, LISTED = 100 };

struct request {
	const char *ledger;  /* NULL: none */
	const char *explain; /* a person; NULL: the audit is wanted */
	int64_t limit;
	bool final;
};

static const struct ui_option OPTIONS[] = {
	{"ledger", LEDGER, "URL", "the ledger, too: sqlite:PATH or postgresql://HOST/DB"},
	{"limit", LIMIT, "N", "list at most so many breaches (100)"},
	{"final", FINAL, NULL, "all stages have run: what is under way is a breach"},
	{"explain", EXPLAIN, "PERSON", "no audit: what every place has of one person"},
	{0},
};

static int take(void *self, int letter, const char *value, struct fault *why)
{
	struct request *r = self;

	if (letter == LIMIT)
		return parse_count("--limit", value, 0, INT64_MAX, &r->limit, why);
	if (letter == LEDGER)
		return r->ledger = value, ledger_check_url(value, why);
	if (letter == EXPLAIN)
		r->explain = value;
	else
		r->final = true;
	return 0;
}

static const struct ui_tool TOOL = {
	.name = "fcfs-audit",
	.synopsis = "[--ledger URL] [--limit N] [--final] EVENT\n"
		    "[--ledger URL] --explain PERSON EVENT",
	.about = "Checks the promises of an event against all that is known of it.",
	.options = OPTIONS,
	.kafka = true,
	.take = take,
};

/* --- what is found ------------------------------------------------------------------------------ */

struct findings {
	const char *event;
	int64_t breaches, notices, limit;
	struct table table;
};

static int print_json(const struct audit_breach *b, const char *user, const char *found,
		      struct fault *why)
{
	struct buffer line = {0};
	int result;

	json_begin(&line);
	json_cstring(&line, "promise", b->promise);
	json_cstring(&line, "what", b->what);
	if (*user)
		json_cstring(&line, "user", user);
	else
		json_none(&line, "user");
	if (b->ticket)
		json_int(&line, "ticket", b->ticket);
	else
		json_none(&line, "ticket");
	json_cstring(&line, "found", found);
	json_end(&line);
	result = ui_line(&line, why);
	buffer_release(&line);
	return result;
}

static int print_text(const struct audit_breach *b, const char *user, const char *found,
		      struct fault *why)
{
	char ticket[24] = "-";

	if (b->ticket)
		snprintf(ticket, sizeof ticket, "%" PRId64, b->ticket);
	printf("%s\t%s\t%s\t%s\t%s\n", b->promise, b->what, *user ? user : "-", ticket, found);
	return ferror(stdout) ? fault_errno(why, EX_IOERR, "standard output") : 0;
}

static void say_notice(struct findings *f, const struct audit_breach *b, const char *user,
		       const char *found)
{
	char line[6 * NAME_SHOWN_MAX], ticket[32] = "";

	if (b->ticket)
		snprintf(ticket, sizeof ticket, " ticket %" PRId64, b->ticket);
	snprintf(line, sizeof line, "event '%s': no breach: %s%s%s%s (%s %s)", f->event, user,
		 ticket, *user ? " " : "", found, b->promise, b->what);
	ui_warn(line);
}

/* Anybody may have written what was found on a topic. */
static int print_breach(void *self, const struct audit_breach *b, struct fault *why)
{
	struct findings *f = self;
	char user[NAME_SHOWN_MAX], found[4 * NAME_SHOWN_MAX];
	int64_t *count = b->notice ? &f->notices : &f->breaches;

	if ((*count)++ >= f->limit)
		return 0;
	name_show(user, b->user, strlen(b->user));
	name_show_text(found, sizeof found, b->found, strlen(b->found));
	if (!b->notice)
		return (ui.json ? print_json : print_text)(b, user, found, why);
	say_notice(f, b, user, found);
	return 0;
}

static void show_count(void *self, const char *name, int64_t value)
{
	struct findings *f = self;

	if (value < 0)
		table_none(&f->table, name);
	else
		table_int(&f->table, name, value);
}

/* Nothing is broken: of so many. */
static int show_counts(struct audit_db *db, struct findings *f, const struct event *event,
		       int64_t under_way, struct fault *why)
{
	int result;

	table_begin(&f->table);
	table_text(&f->table, "event", f->event);
	table_text(&f->table, "id", event->id);
	table_text(&f->table, "bus", event->bus);
	result = audit_db_counts(db, show_count, f, why);
	table_int(&f->table, "notices", f->notices);
	table_int(&f->table, "under_way", under_way);
	table_int(&f->table, "breaches", 0);
	if (result == 0)
		result = table_end(&f->table, why);
	buffer_release(&f->table.out);
	return result;
}

static int check(const struct request *r, struct audit_db *db, const struct event *event,
		 const char *name, struct fault *why)
{
	struct findings f = {.event = name, .limit = r->limit};
	int64_t under_way;
	char line[128];

	if (audit_db_check(db, r->final, print_breach, &f, &under_way, why) < 0)
		return -1;
	if (f.breaches == 0)
		return show_counts(db, &f, event, under_way, why);
	snprintf(line, sizeof line, "event '%s': %" PRId64 " breach%s, %" PRId64 " listed", name,
		 f.breaches, f.breaches == 1 ? "" : "es",
		 f.breaches < f.limit ? f.breaches : f.limit);
	ui_warn(line);
	return STATUS_NO;
}

/* --- where it is read from ---------------------------------------------------------------------- */

static int open_kafka(struct audit_sources *s, const struct event *event, struct fault *why)
{
	if (strcmp(event->bus, "kafka") != 0)
		return 0;
	s->kafka = ui_kafka_of(s->place->name, why);
	return s->kafka ? 0 : -1;
}

static int explain(const struct audit_sources *s, const char *id, const char *person,
		   struct fault *why)
{
	struct table table;
	int64_t ticket;
	int result;

	table_begin(&table);
	result = explain_redis(s->redis, s->place, person, &table, &ticket, why);
	if (result == 0 && s->kafka)
		result = explain_topics(s->kafka, id, person, &table, why);
	if (result == 0 && s->ledger)
		result = explain_ledger(s->ledger, id, person, &table, why);
	if (result == 0)
		result = table_end(&table, why);
	buffer_release(&table.out);
	return result < 0 ? -1 : ticket ? STATUS_YES : STATUS_NO;
}

static int audit(const struct request *r, const struct audit_sources *s, const struct event *event,
		 struct fault *why)
{
	struct audit_db *db = audit_read(s, why);
	int result;

	if (!db)
		return -1;
	result = check(r, db, event, s->place->name, why);
	audit_db_close(db);
	return result;
}

static int run_on(const struct request *r, struct audit_sources *s, struct fault *why)
{
	struct event event;

	if (event_show(s->redis, s->place, &event, why) < 0 || open_kafka(s, &event, why) < 0)
		return -1;
	if (r->ledger && ledger_open_to_read(r->ledger, &s->ledger, why) < 0)
		return -1;
	return r->explain ? explain(s, event.id, r->explain, why) : audit(r, s, &event, why);
}

static int run(const struct request *r, char **operands, struct fault *why)
{
	struct audit_sources s = {.control = &ui_control};
	struct place place;
	int result;

	if (!operands[0] || operands[1])
		ui_misuse("name one event");
	if (r->explain && r->final)
		ui_misuse("--final is the audit's, --explain makes none");
	if (place_init(&place, ui.config.prefix, operands[0], why) < 0 ||
	    (r->explain && explain_check_name(r->explain, why) < 0))
		return -1;
	s.place = &place;
	s.redis = ui_connect(why);
	if (!s.redis)
		return -1;
	result = run_on(r, &s, why);
	ledger_close(s.ledger);
	kafka_close(s.kafka);
	redis_close(s.redis);
	return result;
}

int main(int argc, char **argv)
{
	struct request request = {.limit = LISTED};
	struct fault why;
	char **operands = ui_start(&TOOL, argc, argv, &request);

	return ui_finish(run(&request, operands, &why), &why);
}
