/*
 * kafka_survey.c - which topics there are, and how they are set.
 */
#include "kafka_admin.h"

#include "clock.h"

#include <string.h>

static void count_replicas(struct topic_state *state, const struct rd_kafka_metadata_topic *topic)
{
	state->partitions = topic->partition_cnt;
	state->replicas = INT32_MAX;
	for (int p = 0; p < topic->partition_cnt; p++)
		if (topic->partitions[p].replica_cnt < state->replicas)
			state->replicas = topic->partitions[p].replica_cnt;
}

static int read_metadata(struct survey *s, struct fault *why)
{
	const struct rd_kafka_metadata *metadata;

	if (kafka_metadata(s->kafka, &metadata, why) < 0)
		return -1;
	s->brokers = metadata->broker_cnt;
	for (int t = 0; t < TOPICS; t++)
		for (int m = 0; m < metadata->topic_cnt; m++)
			if (strcmp(metadata->topics[m].topic, s->kafka->topic[t]) == 0)
				count_replicas(&s->topic[t], &metadata->topics[m]);
	rd_kafka_metadata_destroy(metadata);
	return 0;
}

static void keep_entries(struct survey *s)
{
	const rd_kafka_ConfigResource_t **told;
	size_t count;

	told = rd_kafka_DescribeConfigs_result_resources(
		rd_kafka_event_DescribeConfigs_result(s->described), &count);
	for (size_t i = 0; i < count; i++)
		for (int t = 0; t < TOPICS; t++)
			if (strcmp(rd_kafka_ConfigResource_name(told[i]), s->kafka->topic[t]) == 0)
				s->topic[t].entry = rd_kafka_ConfigResource_configs(
					told[i], &s->topic[t].entries);
}

int survey_take(struct survey *s, struct fault *why)
{
	rd_kafka_ConfigResource_t *resource[TOPICS];
	size_t count = 0;

	*s = (struct survey){.kafka = s->kafka, .wish = s->wish};
	if (read_metadata(s, why) < 0)
		return -1;
	for (int t = 0; t < TOPICS; t++)
		if (s->topic[t].partitions)
			resource[count++] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC,
									s->kafka->topic[t]);
	if (!count)
		return 0;
	s->described =
		kafka_admin(s->kafka, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, resource, count, why);
	rd_kafka_ConfigResource_destroy_array(resource, count);
	if (!s->described)
		return -1;
	keep_entries(s);
	return 0;
}

void survey_release(struct survey *s)
{
	if (s->described)
		rd_kafka_event_destroy(s->described);
}

int survey_until(struct survey *s, bool (*so)(const struct survey *), struct fault *why)
{
	int64_t until_ms = clock_ms() + SETTLE_MS;

	do {
		survey_release(s);
		if (survey_take(s, why) < 0)
			return -1;
		if (so(s))
			return 0;
		clock_sleep_ms(KAFKA_PAUSE_MS);
	} while (clock_ms() < until_ms && !s->kafka->options.control->stopping());
	return fault_set(why, EX_TEMPFAIL,
			 "kafka '%s': does not show the settings just made yet: try again later",
			 s->kafka->options.brokers);
}

const char *topic_value(const struct topic_state *state, const char *name)
{
	for (size_t i = 0; i < state->entries; i++)
		if (strcmp(rd_kafka_ConfigEntry_name(state->entry[i]), name) == 0)
			return rd_kafka_ConfigEntry_value(state->entry[i])
				       ? rd_kafka_ConfigEntry_value(state->entry[i])
				       : "";
	return "";
}
