/*
 * kafka_progress.c - how far an event is out, as its last record in fcfs_progress says.
 */
#include "kafka_private.h"

#include "record.h"

#include <string.h>

enum { FIRST_STEP = 4, STEP_GROWS = 16 };

struct finding {
	const char *id;
	bool found;
	struct progress progress;
};

static int look(void *self, const rd_kafka_message_t *message, struct fault *why)
{
	struct finding *f = self;

	if (message->key_len != strlen(f->id) || memcmp(message->key, f->id, message->key_len) != 0)
		return 0;
	f->found = true;
	return record_read_progress(message->payload, message->len, f->id, &f->progress, why);
}

/* Steps back from the end until the event's last record is found, or the beginning is reached. */
static int find_last(struct kafka *k, int32_t partition, const struct range *range,
		     struct finding *f, struct fault *why)
{
	for (int64_t step = FIRST_STEP;; step *= STEP_GROWS) {
		int64_t from =
			range->stable - step > range->low ? range->stable - step : range->low;

		if (kafka_scan(k, TOPIC_PROGRESS, partition, from, range->stable, look, f, why) < 0)
			return -1;
		if (f->found || from == range->low)
			return 0;
	}
}

static bool is_later(const struct progress *a, const struct progress *b)
{
	if (a->rebuilt_us != b->rebuilt_us)
		return a->rebuilt_us > b->rebuilt_us;
	return a->requests + a->winners + a->seq > b->requests + b->winners + b->seq;
}

/* All partitions: where a key goes changes when a topic gets more. What is not decided yet is waited
 * for, if it is to be settled. */
static int find(struct kafka *k, const char *event_id, bool settled, struct progress *progress,
		struct fault *why)
{
	int32_t partitions = kafka_partitions(k, TOPIC_PROGRESS, why);

	*progress = (struct progress){0};
	for (int32_t p = 0; p < partitions; p++) {
		struct finding f = {.id = event_id};
		struct range range;

		if ((settled ? kafka_wait_settled(k, TOPIC_PROGRESS, p, k->waits, &range, why)
			     : kafka_watermarks(k, true, TOPIC_PROGRESS, p, &range.low,
						&range.stable, why)) < 0 ||
		    find_last(k, p, &range, &f, why) < 0)
			return -1;
		if (is_later(&f.progress, progress))
			*progress = f.progress;
	}
	return partitions < 0 ? -1 : 0;
}

int kafka_progress(struct kafka *k, const char *event_id, struct sink *waits,
		   struct progress *progress, struct fault *why)
{
	int result;

	k->waits = waits;
	result = find(k, event_id, true, progress, why);
	k->waits = NULL;
	return result;
}

int kafka_rebuilt(struct source *source, const char *event_id, int64_t *rebuilt_us,
		  struct fault *why)
{
	struct progress progress;

	if (find(((struct kafka_in *)source)->kafka, event_id, false, &progress, why) < 0)
		return -1;
	*rebuilt_us = progress.rebuilt_us;
	return 0;
}
