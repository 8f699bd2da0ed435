#include "archive_rebuild.h"

#include "parse.h"
#include "rebuild.h"
#include "table.h"
#include "ui.h"
#include "ui_kafka.h"
#include "who.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NAMED = 10 }; /* breaches, at most */

struct telling {
	struct table table;
	int64_t breaches;
	int64_t last_ticket, last_joined_us, last_decision;
	int64_t redrive, codes_missing;
	const char *event;
};

bool archive_rebuild_asked(const struct rebuild_request *r)
{
	return r->ledger || r->id || r->replace || r->trial;
}

/* --- what is told ----------------------------------------------------------------------------- */

static int tell_breach(void *self, const struct audit_breach *b, struct fault *why)
{
	struct telling *t = self;
	char user[NAME_SHOWN_MAX], found[2 * NAME_SHOWN_MAX], line[4 * NAME_SHOWN_MAX];
	char ticket[32] = "";

	(void)why;
	if (t->breaches++ >= NAMED)
		return 0;
	name_show(user, b->user, strlen(b->user));
	name_show_text(found, sizeof found, b->found, strlen(b->found));
	if (b->ticket)
		snprintf(ticket, sizeof ticket, "ticket %" PRId64, b->ticket);
	snprintf(line, sizeof line, "%s: %s: %s%s%s%s%s", b->promise, b->what, user,
		 *user && *ticket ? ", " : "", ticket, *user || *ticket ? ": " : "", found);
	ui_control.complain(line);
	return 0;
}

static void keep(struct telling *t, const char *name, int64_t number)
{
	const struct {
		const char *name;
		int64_t *number;
	} kept[] = {{"last_ticket", &t->last_ticket},	  {"last_joined_us", &t->last_joined_us},
		    {"last_decision", &t->last_decision}, {"redrive", &t->redrive},
		    {"codes_missing", &t->codes_missing}, {0}};

	for (size_t i = 0; kept[i].name; i++)
		if (strcmp(kept[i].name, name) == 0)
			*kept[i].number = number;
}

static void tell(void *self, const char *name, const char *text, int64_t number)
{
	struct telling *t = self;
	size_t len = strlen(name);
	char shown[32];

	keep(t, name, number);
	if (text)
		table_text(&t->table, name, text);
	else if (len > 3 && strcmp(name + len - 3, "_us") == 0 && !ui.json) {
		snprintf(shown, sizeof shown, "%.*s", (int)len - 3, name);
		table_time(&t->table, shown, number < 0 ? 0 : number);
	} else
		table_int_if(&t->table, number >= 0, name, number);
}

/* What had not reached the topics is nowhere. */
static void warn_of_window(const struct telling *t)
{
	char line[512], joined[TIME_TEXT] = "never";

	if (t->last_joined_us > 0)
		format_time(joined, t->last_joined_us);
	snprintf(line, sizeof line,
		 "event '%s': possibly lost: who joined after ticket %" PRId64
		 " (%s), and decisions after number %" PRId64
		 ": they had not reached the topics; people may join again",
		 t->event, t->last_ticket, joined, t->last_decision);
	ui_warn(line);
}

static void warn(const struct telling *t)
{
	char line[256];

	warn_of_window(t);
	if (t->redrive > 0) {
		snprintf(line, sizeof line,
			 "event '%s': winners whose records are dead letters: %" PRId64
			 ": fcfs-issue --redrive --match event=%s",
			 t->event, t->redrive, t->event);
		ui_warn(line);
	}
	if (t->codes_missing > 0) {
		snprintf(line, sizeof line,
			 "event '%s': codes that were loaded once and are not there: %" PRId64
			 ": fcfs-codes load %s FILE, which skips the used ones",
			 t->event, t->codes_missing, t->event);
		ui_warn(line);
	}
}

/* --- the verb --------------------------------------------------------------------------------- */

static int run_on(struct rebuild *rebuild, struct telling *t, const char *ledger, struct fault *why)
{
	struct fault ignored;
	int result;

	if (ledger && ledger_open_to_read(ledger, &rebuild->ledger, why) < 0)
		return -1;
	table_begin(&t->table);
	table_text(&t->table, "event", t->event);
	result = rebuild_run(rebuild, why);
	if (result == STATUS_YES) {
		table_text(&t->table, "rebuilt", rebuild->trial ? "no: --dry-run" : "yes");
		result = table_end(&t->table, why);
		warn(t);
	} else if (t->breaches > 0) { /* what it found shows what would be there */
		table_text(&t->table, "rebuilt", "no");
		table_end(&t->table, &ignored);
	}
	buffer_release(&t->table.out);
	ledger_close(rebuild->ledger);
	return result;
}

int archive_rebuild(const struct rebuild_request *r, struct redis *redis, const struct place *place,
		    struct fault *why)
{
	char who[WHO_MAX];
	struct telling telling = {.event = place->name};
	struct rebuild rebuild = {.redis = redis,
				  .prefix = ui.config.prefix,
				  .place = place,
				  .id = r->id,
				  .who = who_am_i(who),
				  .replace = r->replace,
				  .trial = r->trial,
				  .force = ui.force,
				  .control = &ui_control,
				  .breach = tell_breach,
				  .say = tell,
				  .self = &telling};
	int result;

	if (!*ui.config.brokers)
		return fault_set(
			why, EX_CONFIG,
			"event '%s' is rebuilt from kafka and no brokers are set: set -b or "
			"FCFS_BROKERS",
			place->name);
	rebuild.kafka = ui_kafka(NULL, why);
	if (!rebuild.kafka)
		return -1;
	result = run_on(&rebuild, &telling, r->ledger, why);
	kafka_close(rebuild.kafka);
	return result;
}
