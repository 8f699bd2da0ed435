#include "audit.h"

#include "archive_live.h"

#include <string.h>

enum { TRIES = 3 };

static int put_number(struct audit_db *db, const char *name, int64_t number, struct fault *why)
{
	audit_row(db, AUDIT_SIZE);
	audit_text(db, name, strlen(name));
	audit_int(db, number);
	return audit_put(db, why);
}

static int put_name(struct audit_db *db, const char *event, struct fault *why)
{
	audit_row(db, AUDIT_FIELD);
	audit_text(db, "event", strlen("event"));
	audit_text(db, event, strlen(event));
	return audit_put(db, why);
}

static int put_state(struct audit_db *db, const struct archive_state *s, struct fault *why)
{
	if (put_number(db, "now_us", s->now_us, why) < 0 ||
	    put_number(db, "winnable", s->winnable, why) < 0)
		return -1;
	for (int i = 0; i < ARCHIVE_COUNTS; i++)
		if (put_number(db, archive_count_name((enum archive_count)i), s->count[i], why) < 0)
			return -1;
	return 0;
}

static int read_all(struct audit_db *db, const struct audit_sources *s,
		    const struct archive_state *state, struct fault *why)
{
	if (put_name(db, s->place->name, why) < 0 || put_state(db, state, why) < 0 ||
	    audit_read_redis(db, s, state->id, why) < 0)
		return -1;
	if (s->kafka && audit_read_topics(db, s->kafka, state->id, why) < 0)
		return -1;
	return s->ledger ? audit_read_ledger(db, s->ledger, state->id, why) : 0;
}

/* 1 where the event has stood still, 0, -1. */
static int try(struct audit_db *db, const struct audit_sources *s, struct fault *why)
{
	struct archive_state before, after;

	if (archive_state_read(s->redis, s->place, &before, why) < 0 ||
	    read_all(db, s, &before, why) < 0 ||
	    archive_state_read(s->redis, s->place, &after, why) < 0)
		return -1;
	if (strcmp(before.state, after.state) != 0)
		return 0;
	return audit_db_ready(db, why) < 0 ? -1 : 1;
}

struct audit_db *audit_read(const struct audit_sources *s, struct fault *why)
{
	for (int i = 0; i < TRIES && !s->control->stopping(); i++) {
		struct audit_db *db;
		int still = audit_db_open(s->control, false, &db, why) < 0 ? -1 : try(db, s, why);

		if (still > 0)
			return db;
		audit_db_close(db);
		if (still < 0)
			return NULL;
		s->control->note("it moves while it is read: once more");
	}
	fault_set(why, EX_TEMPFAIL,
		  "event '%s': it moves while it is read: audit it when nothing of it runs",
		  s->place->name);
	return NULL;
}
