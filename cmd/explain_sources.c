#include "explain_sources.h"

#include "kafka_each.h"

#include <string.h>

struct search {
	const char *id;
	struct buffer user; /* as it stands in a record */
	struct buffer places;
};

/* Our records have both as they are; what somebody else wrote, in other words, is not found. */
static bool is_theirs(const struct search *s, const struct kafka_record *record)
{
	return record->bytes && memmem(record->bytes, record->len, s->user.bytes, s->user.len) &&
	       memmem(record->bytes, record->len, s->id, strlen(s->id));
}

/* Why it is a dead letter; any tool may have written it. */
static void add_class(struct buffer *places, const struct kafka_record *record)
{
	char shown[NAME_SHOWN_MAX];
	size_t len;
	const char *class = kafka_record_text(record, "error_class", &len);

	if (!class)
		return;
	name_show_text(shown, sizeof shown, class, len);
	buffer_text(places, " ");
	buffer_text(places, shown);
}

static int add_place(void *self, const struct kafka_record *record, struct fault *why)
{
	struct search *s = self;

	(void)why;
	if (!is_theirs(s, record))
		return 0;
	if (s->places.len)
		buffer_text(&s->places, ", ");
	buffer_int(&s->places, record->partition);
	buffer_text(&s->places, ":");
	buffer_int(&s->places, record->offset);
	add_class(&s->places, record);
	return 0;
}

static int search_topic(struct kafka *kafka, enum topic topic, struct search *s,
			struct table *table, struct fault *why)
{
	int64_t gone;

	buffer_clear(&s->places);
	if (kafka_each(kafka, topic, add_place, s, &gone, why) < 0)
		return -1;
	buffer_add(&s->places, "", 1);
	if (s->places.failed)
		return fault_set(why, EX_OSERR, "out of memory");
	table_text(table, kafka_topic_word(topic), s->places.bytes);
	return 0;
}

int explain_topics(struct kafka *kafka, const char *id, const char *person, struct table *table,
		   struct fault *why)
{
	static const enum topic topics[] = {TOPIC_REQUESTS, TOPIC_LOG, TOPIC_WINNERS, TOPIC_ISSUED,
					    TOPIC_DEAD};
	struct search s = {.id = id};
	int result = 0;

	json_cstring(&s.user, "user", person);
	if (s.user.failed)
		result = fault_set(why, EX_OSERR, "out of memory");
	for (size_t i = 0; i < sizeof topics / sizeof *topics && result == 0; i++)
		result = search_topic(kafka, topics[i], &s, table, why);
	buffer_release(&s.user);
	buffer_release(&s.places);
	return result;
}

/* --- the ledger --------------------------------------------------------------------------------- */

struct look_up {
	const char *person;
	bool found;
	struct ledger_row row;
};

/* A person may have returned rows and one that is not. */
static int look(void *self, const struct ledger_row *row, struct fault *why)
{
	struct look_up *l = self;

	(void)why;
	if (row->foreign || strcmp(row->found.winner.user, l->person) != 0 ||
	    (l->found && l->row.state != LEDGER_RETURNED))
		return 0;
	l->row = *row;
	l->found = true;
	return 0;
}

int explain_ledger(struct ledger *ledger, const char *id, const char *person, struct table *table,
		   struct fault *why)
{
	struct look_up l = {.person = person};

	if (ledger_each(ledger, id, look, &l, why) < 0)
		return -1;
	table_text(table, "ledger", l.found ? ledger_state_word(l.row.state) : "");
	table_int_if(table, l.found, "ledger_ticket", l.row.found.winner.ticket);
	table_int_if(table, l.found, "ledger_issued_us", l.row.found.issued_us);
	table_int_if(table, l.found && l.row.delivered_us, "ledger_delivered_us",
		     l.row.delivered_us);
	return 0;
}
