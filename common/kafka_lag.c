#include "kafka_lag.h"

#include "kafka_private.h"

#include "clock.h"

#include <stdio.h>
#include <stdlib.h>

static int keep_committed(struct kafka *k, const rd_kafka_topic_partition_list_t *list,
			  struct lag *lag, struct fault *why)
{
	for (int i = 0; i < list->cnt; i++) {
		const rd_kafka_topic_partition_t *p = &list->elems[i];

		if (kafka_asked(k, p->err, NULL, why) < 0)
			return -1;
		lag->part[p->partition].committed = p->offset >= 0 ? p->offset : -1;
	}
	return 0;
}

static int ask_committed(struct kafka *k, rd_kafka_topic_partition_list_t *list, struct fault *why)
{
	rd_kafka_t *rk = kafka_outsider(k, why);
	struct kafka_wait wait = {0};
	int again = rk ? 1 : -1;

	while (again > 0)
		again = kafka_asked(k, rd_kafka_committed(rk, list, KAFKA_ASK_MS), &wait, why);
	return again;
}

static int read_committed(struct kafka *k, struct lag *lag, struct fault *why)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(lag->parts);
	int result;

	for (int32_t p = 0; p < lag->parts; p++)
		rd_kafka_topic_partition_list_add(list, k->topic[TOPIC_WINNERS], p);
	result = ask_committed(k, list, why);
	if (result == 0)
		result = keep_committed(k, list, lag, why);
	rd_kafka_topic_partition_list_destroy(list);
	kafka_speak(k);
	return result;
}

/* Where nothing is committed, or what is committed is not there any more, issuers begin anew. */
static int64_t behind(const struct lag_part *part, const struct range *range)
{
	bool there = part->committed >= range->low && part->committed <= range->stable;

	return range->stable - (there ? part->committed : range->low);
}

static int read_lag(struct kafka *k, struct lag *lag, struct fault *why)
{
	int64_t until_ms = clock_ms() + KAFKA_SETTLE_MS;

	*lag = (struct lag){.parts = kafka_partitions(k, TOPIC_WINNERS, why), .drained = true};
	if (lag->parts < 0)
		return -1;
	lag->part = calloc((size_t)lag->parts, sizeof *lag->part);
	if (!lag->part)
		return fault_errno(why, EX_OSERR, "kafka");
	/* What is committed comes first: afterwards it may pass the end that was read. */
	if (read_committed(k, lag, why) < 0)
		return -1;
	for (int32_t p = 0; p < lag->parts; p++) {
		struct lag_part *part = &lag->part[p];
		struct range range;
		int stable = kafka_wait_stable(k, TOPIC_WINNERS, p, until_ms - clock_ms(), NULL,
					       &range, why);

		if (stable < 0)
			return -1;
		part->stable = range.stable;
		part->lag = behind(part, &range);
		lag->total += part->lag;
		lag->drained = lag->drained && stable && part->lag == 0;
	}
	return 0;
}

int kafka_lag(struct kafka *k, struct lag *lag, struct fault *why)
{
	int64_t reconnect_ms = kafka_hurry(k);
	int result = read_lag(k, lag, why);

	k->options.reconnect_ms = reconnect_ms;
	return result;
}

void lag_release(struct lag *lag)
{
	free(lag->part);
	*lag = (struct lag){0};
}
