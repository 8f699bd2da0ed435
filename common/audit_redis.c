/*
 * audit_redis.c - an event in Redis, as an audit reads it.
 */
#include "audit.h"

#include "archive_live.h"

#include <string.h>

/* The words of a value, all but the last one up to a blank; as many nothings where there is no value. */
static void put_words(struct audit_db *db, const struct archive_cell *cell, int words)
{
	const char *at = cell->text, *end = at + cell->len;

	for (; words > 0; words--) {
		const char *blank = words > 1 ? memchr(at, ' ', (size_t)(end - at)) : NULL;

		if (cell->len == 0)
			audit_none(db);
		else
			audit_text(db, at, (size_t)((blank ? blank : end) - at));
		at = blank ? blank + 1 : end;
	}
}

static void put_text(struct audit_db *db, const struct archive_cell *cell)
{
	audit_text(db, cell->text, cell->len);
}

static void put_person(struct audit_db *db, const struct archive_entry *entry)
{
	audit_row(db, AUDIT_LINE);
	audit_int(db, entry->number);
	put_text(db, &entry->cell[COLUMN_USER]);
	audit_int(db, entry->cell[COLUMN_JOINED_US].number);
	audit_int(db, entry->cell[COLUMN_GRANTED_US].number);
	put_words(db, &entry->cell[COLUMN_LEFT], 4);
	put_words(db, &entry->cell[COLUMN_ISSUED], 3);
	put_words(db, &entry->cell[COLUMN_PENDING], 6);
}

static void put_code(struct audit_db *db, const struct archive_entry *entry, const char *place)
{
	audit_row(db, AUDIT_POOL);
	put_text(db, &entry->cell[0]);
	audit_text(db, place, strlen(place));
}

/* The outbox, which has no ids but this event's. */
static void put_decision(struct audit_db *db, const struct archive_entry *entry, const char *id)
{
	static const char place[] = "the outbox";

	audit_row(db, AUDIT_ENTRY);
	audit_text(db, id, strlen(id));
	audit_none(db);
	audit_int(db, entry->number);
	put_text(db, &entry->cell[0]);
	audit_int(db, 1);
	audit_text(db, place, sizeof place - 1);
}

static int put_entry(struct audit_db *db, const struct archive_entry *entry, const char *id,
		     struct fault *why)
{
	switch (entry->section) {
	case ARCHIVE_FIELDS:
	case ARCHIVE_PASSING:
		audit_row(db, AUDIT_FIELD);
		put_text(db, &entry->cell[0]);
		put_text(db, &entry->cell[1]);
		break;
	case ARCHIVE_PEOPLE:
		put_person(db, entry);
		break;
	case ARCHIVE_OUTBOX:
		put_decision(db, entry, id);
		break;
	case ARCHIVE_CODES:
		put_code(db, entry, "codes");
		break;
	case ARCHIVE_LOADED:
		put_code(db, entry, "loaded");
		break;
	case ARCHIVE_RUNS:
	default:
		audit_row(db, AUDIT_RUN);
		put_text(db, &entry->cell[0]);
	}
	return audit_put(db, why);
}

int audit_read_redis(struct audit_db *db, const struct audit_sources *s, const char *id,
		     struct fault *why)
{
	const struct archive_entry *entry;
	struct archive_live live;
	int more = archive_live_open(s->redis, s->place, &live, why) < 0 ? -1 : 1;

	while (more > 0) {
		more = archive_live_next(&live, &entry, why);
		if (more > 0 && put_entry(db, entry, id, why) < 0)
			more = -1;
		if (more > 0 && s->control->stopping())
			more = fault_set(why, EX_TEMPFAIL, "asked to stop");
	}
	archive_live_close(&live);
	return more;
}
