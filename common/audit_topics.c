/*
 * audit_topics.c - an event's records in Kafka, as an audit reads them.
 */
#include "audit.h"

#include "kafka_each.h"
#include "kafka_lag.h"

#include <string.h>

struct reading {
	struct audit_db *db;
	const char *id;
	enum audit_table table;
	const char *topic; /* its name, without the prefix */
};

/* An id stands in a record as it is: all others are passed over without being parsed. */
static bool is_ours(const struct reading *r, const struct kafka_record *record)
{
	return record->bytes && memmem(record->bytes, record->len, r->id, strlen(r->id));
}

static int put_record(void *self, const struct kafka_record *record, struct fault *why)
{
	const struct reading *r = self;
	size_t len;

	if (!is_ours(r, record))
		return 0;
	audit_row(r->db, r->table);
	audit_text(r->db, r->id, strlen(r->id));
	audit_int(r->db, record->partition);
	audit_int(r->db, record->offset);
	audit_text(r->db, record->bytes, record->len);
	audit_int(r->db, kafka_record_text(record, "v", &len) != NULL);
	if (r->table == AUDIT_WINNER)
		audit_int(r->db, kafka_record_int(record, "replays"));
	if (r->table == AUDIT_ENTRY)
		audit_text(r->db, r->topic, strlen(r->topic));
	return audit_put(r->db, why);
}

static void put_header(struct audit_db *db, const struct kafka_record *record, const char *name)
{
	size_t len;
	const char *text = kafka_record_text(record, name, &len);

	audit_text(db, text, len);
}

static int put_letter(void *self, const struct kafka_record *record, struct fault *why)
{
	const struct reading *r = self;

	if (!is_ours(r, record))
		return 0;
	audit_row(r->db, AUDIT_LETTER);
	audit_int(r->db, record->partition);
	audit_int(r->db, record->offset);
	put_header(r->db, record, "error_class");
	put_header(r->db, record, "run");
	audit_int(r->db, kafka_record_int(record, "original_partition"));
	audit_int(r->db, kafka_record_int(record, "original_offset"));
	return audit_put(r->db, why);
}

/* None of its values where a record makes no sense. */
static int put_progress(struct audit_db *db, struct kafka *kafka, const char *id, struct fault *why)
{
	struct progress progress;
	int result = kafka_read_progress(kafka, id, &progress, why);

	if (result < 0 && why->status != EX_PROTOCOL)
		return -1;
	audit_row(db, AUDIT_PROGRESS);
	if (result < 0)
		return audit_put(db, why);
	audit_int(db, progress.requests);
	audit_int(db, progress.winners);
	audit_int(db, progress.seq);
	audit_int(db, progress.rebuilt_us);
	return audit_put(db, why);
}

static int put_lag(struct audit_db *db, const struct lag *lag, struct fault *why)
{
	for (int32_t p = 0; p < lag->parts; p++) {
		audit_row(db, AUDIT_READER);
		audit_int(db, p);
		audit_int(db, lag->part[p].committed);
		if (audit_put(db, why) < 0)
			return -1;
	}
	return 0;
}

static int put_readers(struct audit_db *db, struct kafka *kafka, struct fault *why)
{
	struct lag lag = {0};
	int result = kafka_lag(kafka, &lag, why);

	if (result == 0)
		result = put_lag(db, &lag, why);
	lag_release(&lag);
	return result;
}

static int put_source(struct audit_db *db, const char *name, int64_t gone, struct fault *why)
{
	audit_row(db, AUDIT_SOURCE);
	audit_text(db, name, strlen(name));
	audit_int(db, gone);
	return audit_put(db, why);
}

static const struct {
	enum topic topic;
	enum audit_table table;
	int (*put)(void *, const struct kafka_record *, struct fault *);
} TOPICS_READ[] = {
	{TOPIC_REQUESTS, AUDIT_REQUEST, put_record}, {TOPIC_LOG, AUDIT_ENTRY, put_record},
	{TOPIC_WINNERS, AUDIT_WINNER, put_record},   {TOPIC_ISSUED, AUDIT_ISSUED, put_record},
	{TOPIC_DEAD, AUDIT_LETTER, put_letter},
};

int audit_read_topics(struct audit_db *db, struct kafka *kafka, const char *id, struct fault *why)
{
	/* The issuers' offsets before the dead letters: those of what they have read are there. */
	if (put_progress(db, kafka, id, why) < 0 || put_readers(db, kafka, why) < 0)
		return -1;
	for (size_t i = 0; i < sizeof TOPICS_READ / sizeof *TOPICS_READ; i++) {
		const char *name = kafka_topic_word(TOPICS_READ[i].topic);
		struct reading r = {db, id, TOPICS_READ[i].table, name};
		int64_t gone;

		if (kafka_each(kafka, TOPICS_READ[i].topic, TOPICS_READ[i].put, &r, &gone, why) <
			    0 ||
		    put_source(db, name, gone, why) < 0)
			return -1;
	}
	return 0;
}
