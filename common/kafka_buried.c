/*
 * kafka_buried.c - which records are out as dead letters: those know where their originals stood, and whose they were.
 */
#include "kafka_private.h"

#include "record.h"

#include <string.h>

struct search {
	struct burial *burial;
	size_t count;
};

static bool header_is(const rd_kafka_message_t *message, const char *name, const char *value)
{
	size_t len;
	const char *text = kafka_header(message, name, &len);

	return text && len == strlen(value) && memcmp(text, value, len) == 0;
}

/* Whose it is says the record; its key is whatever the one who wrote it gave it. */
static bool is_of(const rd_kafka_message_t *message, const struct burial *burial)
{
	struct winner winner;
	struct fault ignored;

	return message->payload &&
	       record_read_winner(message->payload, message->len, &winner, &ignored) == 0 &&
	       strcmp(winner.user, burial->user) == 0;
}

static void keep_run(struct burial *burial, const rd_kafka_message_t *message)
{
	size_t len;
	const char *run = kafka_header(message, "run", &len);

	if (run && name_is_uuid(run, len))
		memcpy(burial->run, run, len);
}

static int look(void *self, const rd_kafka_message_t *message, struct fault *why)
{
	const struct search *s = self;
	int64_t partition, offset;

	(void)why;
	if (!header_is(message, "error_class", "undeliverable") &&
	    !header_is(message, "error_class", "exhausted"))
		return 0;
	partition = kafka_header_int(message, "original_partition");
	offset = kafka_header_int(message, "original_offset");
	for (size_t i = 0; i < s->count; i++)
		if (s->burial[i].partition == partition && s->burial[i].offset == offset &&
		    is_of(message, &s->burial[i]))
			keep_run(&s->burial[i], message);
	return 0;
}

/* What was committed a moment ago may need another to be seen. */
int kafka_buried(struct source *source, struct burial *burial, size_t count, struct fault *why)
{
	struct kafka *k = ((struct kafka_in *)source)->kafka;
	int32_t partitions = kafka_partitions(k, TOPIC_DEAD, why);
	struct search search = {burial, count};
	struct range range;

	for (int32_t p = 0; p < partitions; p++)
		if (kafka_wait_settled(k, TOPIC_DEAD, p, NULL, &range, why) < 0 ||
		    kafka_scan(k, TOPIC_DEAD, p, range.low, range.stable, look, &search, why) < 0)
			return -1;
	return partitions < 0 ? -1 : 0;
}
