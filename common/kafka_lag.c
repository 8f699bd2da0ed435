#include "kafka_lag.h"

#include "kafka_private.h"

#include <stdio.h>
#include <stdlib.h>

/* A consumer that never subscribes is of the group without joining it. A committed one would wait
 * until no issuer is in the middle of a commit, and one that was killed there is so for long. */
static rd_kafka_t *open_outsider(struct kafka *k, struct fault *why)
{
	char group[KAFKA_NAME_MAX];
	const struct kafka_setting settings[] = {
		{"group.id", group}, {"isolation.level", "read_uncommitted"}, {0}};

	snprintf(group, sizeof group, "%sfcfs-issue", k->options.prefix);
	return kafka_client(RD_KAFKA_CONSUMER, kafka_conf(k, settings), why);
}

static int keep_committed(struct kafka *k, const rd_kafka_topic_partition_list_t *list,
			  struct lag *lag, struct fault *why)
{
	for (int i = 0; i < list->cnt; i++) {
		const rd_kafka_topic_partition_t *p = &list->elems[i];

		if (kafka_asked(k, p->err, why) < 0)
			return -1;
		lag->part[p->partition].committed = p->offset >= 0 ? p->offset : -1;
	}
	return 0;
}

static int read_committed(struct kafka *k, struct lag *lag, struct fault *why)
{
	rd_kafka_t *rk = open_outsider(k, why);
	rd_kafka_topic_partition_list_t *list;
	int result;

	if (!rk)
		return -1;
	list = rd_kafka_topic_partition_list_new(lag->parts);
	for (int32_t p = 0; p < lag->parts; p++)
		rd_kafka_topic_partition_list_add(list, k->topic[TOPIC_WINNERS], p);
	result = kafka_asked(k, rd_kafka_committed(rk, list, KAFKA_ASK_MS), why);
	if (result == 0)
		result = keep_committed(k, list, lag, why);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_destroy(rk);
	kafka_speak(k);
	return result;
}

/* Where nothing is committed, or what is committed is not there any more, issuers begin anew. */
static int64_t behind(const struct lag_part *part, int64_t low)
{
	bool there = part->committed >= low && part->committed <= part->stable;

	return part->stable - (there ? part->committed : low);
}

int kafka_lag(struct kafka *k, struct lag *lag, struct fault *why)
{
	*lag = (struct lag){.parts = kafka_partitions(k, TOPIC_WINNERS, why)};
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
		int64_t low;

		if (kafka_watermarks(k, true, TOPIC_WINNERS, p, &low, &part->stable, why) < 0)
			return -1;
		part->lag = behind(part, low);
		lag->total += part->lag;
	}
	return 0;
}

void lag_release(struct lag *lag)
{
	free(lag->part);
	*lag = (struct lag){0};
}
