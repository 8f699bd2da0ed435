/*
 * kafka_admin.c - asking the brokers to describe, create and change topics.
 */
#include "kafka_admin.h"

#include "clock.h"

#include <stdio.h>
#include <string.h>

enum { REQUEST_MS = 15000, ASK_MS = 3000 };

static void ask(rd_kafka_t *rk, rd_kafka_admin_op_t what, void *things, size_t count,
		const rd_kafka_AdminOptions_t *options, rd_kafka_queue_t *queue)
{
	if (what == RD_KAFKA_ADMIN_OP_CREATETOPICS)
		rd_kafka_CreateTopics(rk, things, count, options, queue);
	else if (what == RD_KAFKA_ADMIN_OP_CREATEPARTITIONS)
		rd_kafka_CreatePartitions(rk, things, count, options, queue);
	else if (what == RD_KAFKA_ADMIN_OP_ALTERCONFIGS)
		rd_kafka_AlterConfigs(rk, things, count, options, queue);
	else
		rd_kafka_DescribeConfigs(rk, things, count, options, queue);
}

/* The client ends it at REQUEST_MS, so it ends. */
static rd_kafka_event_t *wait_for(struct kafka *k, rd_kafka_queue_t *queue)
{
	rd_kafka_event_t *event;

	while (!(event = rd_kafka_queue_poll(queue, KAFKA_TICK_MS)))
		kafka_speak(k);
	kafka_speak(k);
	return event;
}

static int refused(struct kafka *k, rd_kafka_resp_err_t error, const char *topic, const char *text,
		   struct fault *why)
{
	char line[512];

	if (kafka_no_answer(error))
		return kafka_unreachable(k, why);
	snprintf(line, sizeof line, "%s%s%s%s", topic ? "topic '" : "", topic ? topic : "",
		 topic ? "': " : "", text ? text : rd_kafka_err2str(error));
	kafka_sort(k, error, line, why);
	return -1;
}

/* The counts are pointers: they are not known before the call in the other argument is done. */
static int check_topics(struct kafka *k, const rd_kafka_topic_result_t **topic, const size_t *count,
			rd_kafka_resp_err_t harmless, struct fault *why)
{
	for (size_t i = 0; i < *count; i++) {
		rd_kafka_resp_err_t error = rd_kafka_topic_result_error(topic[i]);

		if (error && error != harmless)
			return refused(k, error, rd_kafka_topic_result_name(topic[i]),
				       rd_kafka_topic_result_error_string(topic[i]), why);
	}
	return 0;
}

static int check_configs(struct kafka *k, const rd_kafka_ConfigResource_t **topic,
			 const size_t *count, struct fault *why)
{
	for (size_t i = 0; i < *count; i++)
		if (rd_kafka_ConfigResource_error(topic[i]))
			return refused(k, rd_kafka_ConfigResource_error(topic[i]),
				       rd_kafka_ConfigResource_name(topic[i]),
				       rd_kafka_ConfigResource_error_string(topic[i]), why);
	return 0;
}

static int check(struct kafka *k, rd_kafka_event_t *event, struct fault *why)
{
	const rd_kafka_CreateTopics_result_t *made = rd_kafka_event_CreateTopics_result(event);
	const rd_kafka_CreatePartitions_result_t *more =
		rd_kafka_event_CreatePartitions_result(event);
	const rd_kafka_AlterConfigs_result_t *altered = rd_kafka_event_AlterConfigs_result(event);
	const rd_kafka_DescribeConfigs_result_t *told =
		rd_kafka_event_DescribeConfigs_result(event);
	size_t n = 0;

	if (rd_kafka_event_error(event))
		return refused(k, rd_kafka_event_error(event), NULL,
			       rd_kafka_event_error_string(event), why);
	if (made)
		return check_topics(k, rd_kafka_CreateTopics_result_topics(made, &n), &n,
				    RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, why);
	if (more)
		return check_topics(k, rd_kafka_CreatePartitions_result_topics(more, &n), &n,
				    RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, why);
	if (altered)
		return check_configs(k, rd_kafka_AlterConfigs_result_resources(altered, &n), &n,
				     why);
	return check_configs(k, rd_kafka_DescribeConfigs_result_resources(told, &n), &n, why);
}

rd_kafka_event_t *kafka_admin(struct kafka *k, rd_kafka_admin_op_t what, void *things, size_t count,
			      struct fault *why)
{
	rd_kafka_t *rk = kafka_reader(k, true, why);
	rd_kafka_AdminOptions_t *options;
	rd_kafka_queue_t *queue;
	rd_kafka_event_t *event;
	char reason[256];

	if (!rk)
		return NULL;
	options = rd_kafka_AdminOptions_new(rk, what);
	rd_kafka_AdminOptions_set_request_timeout(options, REQUEST_MS, reason, sizeof reason);
	queue = rd_kafka_queue_new(rk);
	ask(rk, what, things, count, options, queue);
	event = wait_for(k, queue);
	rd_kafka_queue_destroy(queue);
	rd_kafka_AdminOptions_destroy(options);
	if (check(k, event, why) == 0)
		return event;
	rd_kafka_event_destroy(event);
	return NULL;
}

/* --- what all brokers know -------------------------------------------------------------------- */

static bool has(const struct rd_kafka_metadata *metadata, const char *name, int32_t partitions)
{
	for (int t = 0; t < metadata->topic_cnt; t++) {
		const struct rd_kafka_metadata_topic *topic = &metadata->topics[t];
		int led = 0;

		if (strcmp(topic->topic, name) != 0)
			continue;
		for (int p = 0; p < topic->partition_cnt; p++)
			led += topic->partitions[p].leader >= 0;
		return led >= partitions;
	}
	return partitions == 0;
}

/* 1, 0, or -1: this broker does not answer. */
static int knows(struct kafka *k, rd_kafka_t *rk, const int32_t partitions[TOPICS])
{
	const struct rd_kafka_metadata *metadata;
	bool all = true;

	if (rd_kafka_metadata(rk, 1, NULL, &metadata, ASK_MS))
		return -1;
	for (int t = 0; t < TOPICS && all; t++)
		all = has(metadata, k->topic[t], partitions[t]);
	rd_kafka_metadata_destroy(metadata);
	return all;
}

/* A broker that does not answer now will know when it is back. */
static int wait_known(struct kafka *k, rd_kafka_t *rk, const int32_t partitions[TOPICS],
		      int64_t until_ms, const char *address, struct fault *why)
{
	while (knows(k, rk, partitions) == 0) {
		if (clock_ms() >= until_ms || k->options.control->stopping())
			return fault_set(why, EX_TEMPFAIL,
					 "kafka '%s': does not know the topics just made yet: try "
					 "again later",
					 address);
		clock_sleep_ms(KAFKA_PAUSE_MS);
	}
	return 0;
}

/* A client that begins with one broker asks that one. */
static int wait_broker(struct kafka *k, const struct rd_kafka_metadata_broker *broker,
		       const int32_t partitions[TOPICS], int64_t until_ms, struct fault *why)
{
	bool ip6 = strchr(broker->host, ':') != NULL;
	char address[300];
	const struct kafka_setting settings[] = {{"bootstrap.servers", address}, {0}};
	rd_kafka_conf_t *conf;
	rd_kafka_t *rk;
	int result;

	snprintf(address, sizeof address, "%s%.270s%s:%d", ip6 ? "[" : "", broker->host,
		 ip6 ? "]" : "", broker->port);
	conf = kafka_conf(k, settings);
	rd_kafka_conf_set_error_cb(conf, NULL); /* one broker away is not all of them */
	rk = kafka_client(RD_KAFKA_PRODUCER, conf, why);
	if (!rk)
		return -1;
	result = wait_known(k, rk, partitions, until_ms, address, why);
	rd_kafka_destroy(rk);
	kafka_speak(k);
	return result;
}

int kafka_settled(struct kafka *k, const int32_t partitions[TOPICS], struct fault *why)
{
	const struct rd_kafka_metadata *metadata;
	int64_t until_ms = clock_ms() + SETTLE_MS;
	int result = 0;

	if (kafka_metadata(k, &metadata, why) < 0)
		return -1;
	for (int b = 0; b < metadata->broker_cnt && result == 0; b++)
		result = wait_broker(k, &metadata->brokers[b], partitions, until_ms, why);
	rd_kafka_metadata_destroy(metadata);
	return result;
}
