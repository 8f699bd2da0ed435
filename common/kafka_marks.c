#include "kafka_marks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char KEY[] = "redriven-";

/* --- bits ------------------------------------------------------------------------------------- */

static struct marked *find(const struct marks *marks, int64_t partition, int64_t block)
{
	const struct marks_part *part;

	if (partition < 0 || partition >= marks->parts)
		return NULL;
	part = &marks->part[partition];
	if (block < part->first || block - part->first >= (int64_t)part->blocks)
		return NULL;
	return &part->block[block - part->first];
}

/* The byte and the bit of a letter; NULL where it is in no range. */
static unsigned char *find_bit(const struct marks *marks, const rd_kafka_message_t *message,
			       struct marked **marked, unsigned char *bit)
{
	int64_t at = message->offset % LETTERS_BLOCK;

	*marked = find(marks, message->partition, message->offset / LETTERS_BLOCK);
	*bit = (unsigned char)(1u << at % 8);
	return *marked ? &(*marked)->redriven.bits[at / 8] : NULL;
}

static int64_t timestamp(const rd_kafka_message_t *message)
{
	rd_kafka_timestamp_type_t type;

	return rd_kafka_message_timestamp(message, &type);
}

bool marks_has(struct marks *marks, const rd_kafka_message_t *message)
{
	struct marked *marked;
	unsigned char bit, *byte = find_bit(marks, message, &marked, &bit);

	if (!byte || !(*byte & bit))
		return false;
	if (timestamp(message) <= marked->known_ms)
		return true;
	*byte &= (unsigned char)~bit;
	return false;
}

void marks_set(struct marks *marks, const rd_kafka_message_t *message)
{
	struct marked *marked;
	unsigned char bit, *byte = find_bit(marks, message, &marked, &bit);

	if (!byte)
		return;
	*byte |= bit;
	marked->dirty = true;
	if (timestamp(message) > marked->redriven.newest_ms)
		marked->redriven.newest_ms = timestamp(message);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Where a key goes changes when a topic gets more partitions: of two records the later one holds, by
 * what it says; of one time, both. */
static int keep(void *self, const rd_kafka_message_t *message, struct fault *why)
{
	const struct marks *marks = self;
	struct redriven read;
	struct marked *marked;

	if (!message->payload || message->key_len < sizeof KEY - 1 ||
	    memcmp(message->key, KEY, sizeof KEY - 1) != 0)
		return 0;
	if (redriven_read(&read, message->payload, message->len, why) < 0)
		return -1;
	marked = find(marks, read.partition, read.block);
	if (!marked || read.newest_ms < marked->known_ms)
		return 0;
	if (read.newest_ms == marked->known_ms)
		for (size_t i = 0; i < sizeof read.bits; i++)
			read.bits[i] |= marked->redriven.bits[i];
	marked->redriven = read;
	marked->known_ms = read.newest_ms;
	return 0;
}

/* Nothing at the end or behind it has been replayed: such bits are of an earlier topic. */
static void clear_beyond(struct marks_part *part, int64_t end)
{
	int64_t from = part->first * LETTERS_BLOCK;

	for (size_t b = 0; b < part->blocks; b++)
		for (int64_t at = 0; at < LETTERS_BLOCK; at++, from++)
			if (from >= end)
				part->block[b].redriven.bits[at / 8] &=
					(unsigned char)~(1u << at % 8);
}

static int make_room(struct marks *marks, const struct range *range, int32_t parts,
		     struct fault *why)
{
	*marks = (struct marks){.part = calloc((size_t)parts, sizeof *marks->part)};
	if (!marks->part)
		return fault_errno(why, EX_OSERR, "dead letters");
	marks->parts = parts;
	for (int32_t p = 0; p < parts; p++) {
		struct marks_part *part = &marks->part[p];

		part->first = range[p].low / LETTERS_BLOCK;
		part->blocks = (size_t)(range[p].stable / LETTERS_BLOCK - part->first + 1);
		part->block = calloc(part->blocks, sizeof *part->block);
		if (!part->block)
			return fault_errno(why, EX_OSERR, "dead letters");
		for (size_t b = 0; b < part->blocks; b++) {
			part->block[b].redriven.partition = p;
			part->block[b].redriven.block = part->first + (int64_t)b;
		}
	}
	return 0;
}

static int read_partition(struct marks *marks, struct kafka *k, int32_t partition, bool settled,
			  struct fault *why)
{
	struct range range;
	int stable = settled ? kafka_wait_settled(k, TOPIC_PROGRESS, partition, NULL, &range, why)
			     : kafka_wait_stable(k, TOPIC_PROGRESS, partition, KAFKA_SETTLE_MS,
						 NULL, &range, why);

	return stable < 0 ? -1
			  : kafka_scan(k, TOPIC_PROGRESS, partition, range.low, range.stable, keep,
				       marks, why);
}

int marks_read(struct marks *marks, struct kafka *k, const struct range *range, int32_t parts,
	       bool settled, struct fault *why)
{
	int32_t partitions = kafka_partitions(k, TOPIC_PROGRESS, why);

	*marks = (struct marks){0};
	if (partitions < 0 || make_room(marks, range, parts, why) < 0)
		return -1;
	for (int32_t p = 0; p < partitions; p++)
		if (read_partition(marks, k, p, settled, why) < 0)
			return -1;
	for (int32_t p = 0; p < parts; p++)
		clear_beyond(&marks->part[p], range[p].stable);
	return 0;
}

void marks_release(struct marks *marks)
{
	for (int32_t p = 0; p < marks->parts; p++)
		free(marks->part[p].block);
	free(marks->part);
	*marks = (struct marks){0};
}

/* --- writing ---------------------------------------------------------------------------------- */

static int put(struct marked *marked, struct sink *sink, struct fault *why)
{
	struct buffer json = {0};
	char key[64];
	struct outgoing outgoing = {.topic = TOPIC_PROGRESS, .event = "", .key = key};
	int result;

	snprintf(key, sizeof key, "%s%" PRId32 "-%" PRId64, KEY, marked->redriven.partition,
		 marked->redriven.block);
	redriven_json(&json, &marked->redriven);
	outgoing.bytes = json.bytes;
	outgoing.len = json.len;
	result = json.failed ? fault_set(why, EX_OSERR, "out of memory")
			     : sink->put(sink, &outgoing, why);
	buffer_release(&json);
	marked->dirty = false;
	return result;
}

int marks_put(struct marks *marks, struct sink *sink, struct fault *why)
{
	for (int32_t p = 0; p < marks->parts; p++)
		for (size_t b = 0; b < marks->part[p].blocks; b++) {
			struct marked *marked = &marks->part[p].block[b];

			if (marked->dirty && put(marked, sink, why) < 0)
				return -1;
		}
	return 0;
}
