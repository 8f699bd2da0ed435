/*
 * kafka_buried.c - which records are out as dead letters: those know where their originals stood, and whose
 * they were. And which do not stand any more where they stood, as where the topic of winners was made anew.
 *
 * A dead letter is younger than the code of its record, so only those are read that may be.
 */
#include "kafka_private.h"

#include "record.h"

#include <stdlib.h>
#include <string.h>

enum { NEAR = 1000 }; /* records */

struct search {
	const char *id;
	struct burial *burial; /* sorted */
	size_t count;
};

static int compare(const void *one, const void *other)
{
	const struct burial *a = one, *b = other;

	if (a->partition != b->partition)
		return a->partition < b->partition ? -1 : 1;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return strcmp(a->user, b->user);
}

static bool header_is(const rd_kafka_message_t *message, const char *name, const char *value)
{
	size_t len;
	const char *text = kafka_header(message, name, &len);

	return text && len == strlen(value) && memcmp(text, value, len) == 0;
}

static void keep_run(struct burial *burial, const rd_kafka_message_t *message)
{
	size_t len;
	const char *run = kafka_header(message, "run", &len);

	if (run && name_is_uuid(run, len))
		memcpy(burial->run, run, len);
}

/* The one whose record this is, and stood there; NULL: none of them. Whose it is says the record; its key is
 * whatever the one who wrote it gave it. */
static struct burial *find(const struct search *s, const rd_kafka_message_t *message,
			   int32_t partition, int64_t offset)
{
	struct burial key = {.partition = partition, .offset = offset};
	struct winner winner;
	struct fault ignored;

	if (!message->payload ||
	    record_read_winner(message->payload, message->len, &winner, &ignored) < 0 ||
	    strcmp(winner.id, s->id) != 0)
		return NULL;
	strcpy(key.user, winner.user);
	return bsearch(&key, s->burial, s->count, sizeof key, compare);
}

static int look(void *self, const rd_kafka_message_t *message, struct fault *why)
{
	struct burial *found;

	(void)why;
	if (!header_is(message, "error_class", "undeliverable") &&
	    !header_is(message, "error_class", "exhausted"))
		return 0;
	found = find(self, message, (int32_t)kafka_header_int(message, "original_partition"),
		     kafka_header_int(message, "original_offset"));
	if (found)
		keep_run(found, message);
	return 0;
}

/* The first record of a partition since then, by the clock of who wrote it; -1: there is none. */
static int first_since(struct kafka *k, int32_t partition, int64_t since_ms, int64_t *offset,
		       struct fault *why)
{
	rd_kafka_t *rk = kafka_reader(k, true, why);
	struct kafka_wait wait = {0};
	int again = rk ? 1 : -1;

	while (again > 0)
		again = kafka_asked(
			k, kafka_ask_offset(rk, k->topic[TOPIC_DEAD], partition, since_ms, offset),
			&wait, why);
	return again;
}

/* What was committed a moment ago may need another to be seen. */
static int search_partition(struct kafka *k, int32_t partition, int64_t since_ms, struct search *s,
			    struct fault *why)
{
	struct range range;
	int64_t first;

	if (kafka_wait_settled(k, TOPIC_DEAD, partition, k->waits, &range, why) < 0 ||
	    first_since(k, partition, since_ms, &first, why) < 0)
		return -1;
	return first < 0 ? 0
			 : kafka_scan(k, TOPIC_DEAD, partition, first, range.stable, look, s, why);
}

static int search(struct kafka *k, struct search *s, struct fault *why)
{
	int32_t partitions = kafka_partitions(k, TOPIC_DEAD, why);
	int64_t since_us = INT64_MAX, since_ms;

	for (size_t i = 0; i < s->count; i++)
		if (s->burial[i].issued_us < since_us)
			since_us = s->burial[i].issued_us;
	since_ms = since_us / 1000 - KAFKA_SKEW_MS;
	if (since_ms < 0) /* those are words of the protocol, and refused where they are none */
		since_ms = 0;
	for (int32_t p = 0; p < partitions; p++)
		if (search_partition(k, p, since_ms, s, why) < 0)
			return -1;
	return partitions < 0 ? -1 : 0;
}

/* --- the records themselves --------------------------------------------------------------------- */

static int look_there(void *self, const rd_kafka_message_t *message, struct fault *why)
{
	struct burial *found = find(self, message, message->partition, message->offset);

	(void)why;
	if (found)
		found->gone = false;
	return 0;
}

/* How many of the first ones stand so near to each other that they are read together. */
static size_t neighbours(const struct burial *burial, size_t count)
{
	size_t n = 1;

	while (n < count && burial[n].partition == burial->partition &&
	       burial[n].offset - burial[n - 1].offset <= NEAR)
		n++;
	return n;
}

/* Of what was cut for its age nobody can tell. */
static int look_at(struct kafka *k, const char *id, struct burial *burial, size_t count,
		   struct fault *why)
{
	int64_t low, high, end = burial[count - 1].offset + 1;
	struct search s = {id, burial, count};

	if (kafka_watermarks(k, true, TOPIC_WINNERS, burial->partition, &low, &high, why) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		burial[i].gone = burial[i].offset >= low;
	return kafka_scan(k, TOPIC_WINNERS, burial->partition,
			  burial->offset > low ? burial->offset : low, end < high ? end : high,
			  look_there, &s, why);
}

static int search_originals(struct kafka *k, struct search *s, struct fault *why)
{
	size_t n;

	for (size_t i = 0; i < s->count; i += n) {
		n = neighbours(&s->burial[i], s->count - i);
		if (look_at(k, s->id, &s->burial[i], n, why) < 0)
			return -1;
	}
	return 0;
}

int kafka_buried(struct source *source, const char *id, struct burial *burial, size_t count,
		 struct fault *why)
{
	struct kafka_in *in = (struct kafka_in *)source;
	struct search s = {id, burial, count};
	int result;

	qsort(burial, count, sizeof *burial, compare);
	in->kafka->waits = in->sink;
	result = search_originals(in->kafka, &s, why);
	if (result == 0)
		result = search(in->kafka, &s, why);
	in->kafka->waits = NULL;
	return result;
}
