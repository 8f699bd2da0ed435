#include "rebuild.h"

#include "archive_restore.h"
#include "audit.h"
#include "event.h"
#include "kafka_each.h"
#include "record.h"
#include "server.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct work {
	const struct rebuild *r;
	char id[UUID_LEN + 1];
	struct event there; /* id "": there is none */
	int64_t least_us;   /* later than any rebuild or epoch that is known of */
	struct bus *bus;
	struct sink *sink; /* both NULL in a trial */
	struct audit_db *db;
	int64_t breaches;
	struct progress progress; /* the new one */
};

/* --- which event ------------------------------------------------------------------------------ */

static int look_around(struct work *w, struct fault *why)
{
	const struct rebuild *r = w->r;

	if (r->id)
		strcpy(w->id, r->id);
	else if (rebuild_find(r->kafka, r->place, w->id, why) < 0)
		return -1;
	if (event_show(r->redis, r->place, &w->there, why) < 0 && !why->no_event)
		return -1;
	return server_now_us(r->redis, &w->least_us, why);
}

static int check_place(const struct work *w, struct fault *why)
{
	const char *name = w->r->place->name;
	char line[256];

	if (!*w->there.id || w->r->replace)
		return STATUS_YES;
	if (strcmp(w->there.id, w->id) != 0)
		return fault_set(
			why, EX_DATAERR,
			"event '%s' exists, and is another (id %s, in the log %s): --replace "
			"takes its place, --id UUID means an older one",
			name, w->there.id, w->id);
	snprintf(line, sizeof line,
		 "event '%s' exists: --replace puts in its place what the topics have", name);
	w->r->control->complain(line);
	return STATUS_NO;
}

/* --- fence, read ------------------------------------------------------------------------------ */

static int fence(struct work *w, struct fault *why)
{
	if (w->r->trial)
		return 0;
	if (kafka_bus(w->r->kafka, &w->bus, why) < 0)
		return -1;
	return w->bus->open(w->bus, w->id, &w->sink, why);
}

static void release(struct work *w)
{
	audit_db_close(w->db);
	if (w->sink)
		w->sink->close(w->sink);
	if (w->bus)
		w->bus->close(w->bus);
}

static int put_field(struct audit_db *db, const char *name, const char *value, struct fault *why)
{
	audit_row(db, AUDIT_FIELD);
	audit_text(db, name, strlen(name));
	audit_text(db, value, strlen(value));
	return audit_put(db, why);
}

static void at_least(int64_t *us, int64_t before)
{
	if (*us <= before && before < INT64_MAX)
		*us = before + 1;
}

static int keep_former(void *self, const struct audit_value *value, struct fault *why)
{
	(void)why;
	at_least(&((struct work *)self)->least_us, value[0].number);
	return 0;
}

static int put_given(struct work *w, struct fault *why)
{
	char us[24];

	if (audit_db_rows(w->db, "SELECT rebuilt_us FROM progress", keep_former, w, why) < 0)
		return -1;
	at_least(&w->least_us, w->there.epoch);
	snprintf(us, sizeof us, "%" PRId64, w->least_us);
	if (put_field(w->db, "event", w->r->place->name, why) < 0 ||
	    put_field(w->db, "id", w->id, why) < 0 || put_field(w->db, "who", w->r->who, why) < 0)
		return -1;
	return put_field(w->db, "rebuilt_us", us, why);
}

static int read_all(struct work *w, struct fault *why)
{
	const struct rebuild *r = w->r;

	if (audit_db_open(r->control, true, &w->db, why) < 0 ||
	    audit_read_topics(w->db, r->kafka, w->id, why) < 0 || put_given(w, why) < 0)
		return -1;
	return r->ledger ? audit_read_ledger(w->db, r->ledger, w->id, why) : 0;
}

/* --- make, and check -------------------------------------------------------------------------- */

static int name_unsound(void *self, const struct audit_value *value, struct fault *why)
{
	const struct work *w = self;

	return fault_set(why, EX_DATAERR, "event '%s' cannot be rebuilt: %s", w->r->place->name,
			 value[0].text);
}

static int count_breach(void *self, const struct audit_breach *breach, struct fault *why)
{
	struct work *w = self;

	if (breach->notice) /* the audit has it */
		return 0;
	w->breaches++;
	return w->r->breach(w->r->self, breach, why);
}

static int count_doubt(void *self, const struct audit_value *value, struct fault *why)
{
	const struct audit_breach breach = {.promise = value[0].text,
					    .what = value[1].text,
					    .user = value[2].text,
					    .ticket = value[3].number,
					    .found = value[4].text};

	return count_breach(self, &breach, why);
}

static int say_line(void *self, const struct audit_value *value, struct fault *why)
{
	const struct rebuild *r = ((struct work *)self)->r;

	(void)why;
	r->say(r->self, value[0].text, NULL, value[1].none ? -1 : value[1].number);
	return 0;
}

static int check(struct work *w, struct fault *why)
{
	int64_t under_way;

	if (audit_db_rows(w->db, "SELECT why FROM unsound", name_unsound, w, why) < 0 ||
	    audit_db_rows(w->db, "SELECT promise, what, user, ticket, found FROM doubt",
			  count_doubt, w, why) < 0 ||
	    audit_db_check(w->db, false, count_breach, w, &under_way, why) < 0)
		return -1;
	w->r->say(w->r->self, "id", w->id, 0);
	if (audit_db_rows(w->db, "SELECT name, value FROM verdict", say_line, w, why) < 0)
		return -1;
	w->r->say(w->r->self, "breaches", NULL, w->breaches);
	if (w->breaches == 0 || w->r->force)
		return 0;
	return fault_set(why, EX_DATAERR,
			 "event '%s' is not rebuilt: %" PRId64
			 " found broken: --force makes of it what there is",
			 w->r->place->name, w->breaches);
}

/* --- stage ------------------------------------------------------------------------------------ */

/* How a section's entries are found: the columns are its cells. */
static const struct {
	enum archive_section section;
	const char *sql;
} SECTIONS[] = {
	{ARCHIVE_FIELDS,
	 "SELECT name, value FROM field"
	 " WHERE name <> 'event' AND name NOT IN (SELECT name FROM passing) ORDER BY name"},
	{ARCHIVE_PASSING, "SELECT name, value FROM passing ORDER BY name"},
	{ARCHIVE_PEOPLE,
	 "SELECT user, joined_us, coalesce(step_us, 0),"
	 " coalesce(left_us || ' ' || left_state || ' ' || left_who || ' ' || coalesce(left_code, ''), ''),"
	 " coalesce(issued_granted_us || ' ' || issued_us || ' ' || issued_code, ''),"
	 " coalesce(pending_state || coalesce(':' || run, '') || ' ' || coalesce(partition, '-') || ' '"
	 "  || coalesce(offset, '-') || ' ' || pending_granted_us || ' ' || pending_us || ' ' || pending_code, '')"
	 " FROM line ORDER BY ticket"},
	{ARCHIVE_OUTBOX,
	 "SELECT json_object('type', 'log', 'event', event, 'id', id, 'seq', entry.seq, 'at_us', at_us, 'who', entry.who,"
	 " 'what', what, 'user', user, 'ticket', ticket, 'before', before, 'after', after)"
	 " FROM entry, now WHERE place = 'the outbox' ORDER BY entry.seq"},
	{ARCHIVE_LOADED, "SELECT code, 'ledger:0' FROM pool"},
};

struct staging {
	struct work *w;
	struct restore restore;
	struct archive_tally tally;
	enum archive_section section;
	int64_t number;
};

static int stage_entry(void *self, const struct audit_value *value, struct fault *why)
{
	struct staging *s = self;
	const struct archive_shape *shape = &archive_shapes[s->section];
	struct archive_entry entry = {.section = s->section, .number = ++s->number};

	for (size_t i = 0; i < shape->columns; i++) {
		entry.cell[i].number = value[i].number;
		if (!shape->column[i].number) {
			entry.cell[i].text = value[i].text;
			entry.cell[i].len = value[i].len;
		}
	}
	archive_tally_add(&s->tally, &entry, "", 0);
	if (s->section == ARCHIVE_PEOPLE)
		s->w->r->control->progress(s->number);
	if (s->w->r->control->stopping())
		return fault_set(why, EX_TEMPFAIL, "asked to stop: nothing of it is there");
	return restore_add(&s->restore, &entry, why);
}

static int stage(struct staging *s, struct fault *why)
{
	for (size_t i = 0; i < sizeof SECTIONS / sizeof *SECTIONS; i++) {
		s->section = SECTIONS[i].section;
		s->number = 0;
		if (audit_db_rows(s->w->db, SECTIONS[i].sql, stage_entry, s, why) < 0)
			return -1;
	}
	return 0;
}

/* --- mark, show ------------------------------------------------------------------------------- */

static int keep_progress(void *self, const struct audit_value *value, struct fault *why)
{
	struct progress *progress = &((struct work *)self)->progress;

	(void)why;
	*progress = (struct progress){.requests = value[0].number,
				      .winners = value[1].number,
				      .seq = value[2].number,
				      .rebuilt_us = value[3].number};
	return 0;
}

static int put_progress(struct work *w, struct fault *why)
{
	struct buffer record = {0};
	struct outgoing outgoing = {
		.topic = TOPIC_PROGRESS, .event = w->r->place->name, .key = w->id};
	int result;

	record_progress(&record, w->r->place->name, w->id, &w->progress);
	outgoing.bytes = record.bytes;
	outgoing.len = record.len;
	result = record.failed ? fault_set(why, EX_OSERR, "out of memory")
			       : w->sink->put(w->sink, &outgoing, why);
	if (result == 0)
		result = w->sink->commit(w->sink, 0, why);
	if (result == 0)
		result = w->sink->settle(w->sink, why);
	buffer_release(&record);
	return result;
}

static int mark(struct work *w, struct fault *why)
{
	static const char published[] =
		"SELECT max(value) FILTER (WHERE name = 'published_requests'),"
		" max(value) FILTER (WHERE name = 'published_winners'),"
		" max(value) FILTER (WHERE name = 'published_seq'),"
		" max(value) FILTER (WHERE name = 'rebuilt_us') FROM field";
	int outcome;

	if (audit_db_rows(w->db, published, keep_progress, w, why) < 0)
		return -1;
	outcome = put_progress(w, why);
	if (outcome < 0 || outcome == COMMITTED)
		return outcome;
	return fault_set(
		why, EX_TEMPFAIL,
		outcome == FENCED
			? "event '%s' was dispatched meanwhile: end its dispatchers, and run again"
			: "event '%s': its progress was not committed: run again",
		w->r->place->name);
}

/* 1, 0: another event has the name by now, -1. */
static int put_all(struct staging *s, struct fault *why)
{
	const struct rebuild *r = s->w->r;
	int result = -1;

	if (event_name_add(r->redis, r->prefix, r->place, why) == 0 && stage(s, why) == 0 &&
	    mark(s->w, why) == 0)
		result = restore_end(&s->restore, s->tally.count, why);
	if (result <= 0)
		restore_drop(&s->restore);
	return result;
}

static int put(struct staging *s, struct fault *why)
{
	const struct rebuild *r = s->w->r;
	int result = restore_open(r->redis, r->place, s->w->there.id, &s->restore, why);

	if (result > 0)
		result = put_all(s, why);
	restore_close(&s->restore);
	if (result > 0)
		return event_name_keep(r->redis, r->prefix, r->place, why) < 0 ? -1 : STATUS_YES;
	return result < 0 ? -1
			  : fault_set(why, EX_TEMPFAIL, "event '%s' was created meanwhile",
				      r->place->name);
}

int rebuild_run(const struct rebuild *r, struct fault *why)
{
	struct work w = {.r = r};
	struct staging staging = {.w = &w};
	int result = look_around(&w, why) < 0 ? -1 : check_place(&w, why);

	if (result == STATUS_YES && (fence(&w, why) < 0 || read_all(&w, why) < 0 ||
				     audit_db_rebuild(w.db, why) < 0 || check(&w, why) < 0))
		result = -1;
	if (result == STATUS_YES && !r->trial)
		result = put(&staging, why);
	release(&w);
	return result;
}
