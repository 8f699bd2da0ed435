/*
 * kafka_shares.c - what the members of the issuers' group have, as its coordinator tells.
 */
#include "kafka_private.h"

#include <string.h>

static int64_t count_member(const rd_kafka_MemberDescription_t *member, const char *topic)
{
	const rd_kafka_MemberAssignment_t *share = rd_kafka_MemberDescription_assignment(member);
	const rd_kafka_topic_partition_list_t *list =
		share ? rd_kafka_MemberAssignment_partitions(share) : NULL;
	int64_t count = 0;

	for (int i = 0; list && i < list->cnt; i++)
		count += strcmp(list->elems[i].topic, topic) == 0;
	return count;
}

/* Between two generations there is another assignment to come. */
static int64_t count(const rd_kafka_ConsumerGroupDescription_t *group, const char *topic)
{
	int64_t sum = 0;

	if (rd_kafka_ConsumerGroupDescription_state(group) != RD_KAFKA_CONSUMER_GROUP_STATE_STABLE)
		return INT64_MAX;
	for (size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(group); i++)
		sum += count_member(rd_kafka_ConsumerGroupDescription_member(group, i), topic);
	return sum;
}

static rd_kafka_resp_err_t read(rd_kafka_event_t *event, const char *topic, int64_t *partitions)
{
	const rd_kafka_ConsumerGroupDescription_t **group;
	const rd_kafka_error_t *error;
	size_t groups;

	if (rd_kafka_event_error(event))
		return rd_kafka_event_error(event);
	group = rd_kafka_DescribeConsumerGroups_result_groups(
		rd_kafka_event_DescribeConsumerGroups_result(event), &groups);
	error = groups ? rd_kafka_ConsumerGroupDescription_error(group[0]) : NULL;
	if (error)
		return rd_kafka_error_code(error);
	*partitions = groups ? count(group[0], topic) : INT64_MAX;
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t kafka_in_shared(struct kafka_in *in, int64_t *partitions)
{
	rd_kafka_AdminOptions_t *options =
		rd_kafka_AdminOptions_new(in->rk, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(in->rk);
	const char *group = in->kafka->group;
	rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__TIMED_OUT;
	rd_kafka_event_t *event;
	char reason[256];

	rd_kafka_AdminOptions_set_request_timeout(options, KAFKA_ASK_MS, reason, sizeof reason);
	rd_kafka_DescribeConsumerGroups(in->rk, &group, 1, options, queue);
	event = rd_kafka_queue_poll(queue, KAFKA_ASK_MS + KAFKA_TICK_MS);
	if (event) {
		error = read(event, in->kafka->topic[TOPIC_WINNERS], partitions);
		rd_kafka_event_destroy(event);
	}
	rd_kafka_queue_destroy(queue);
	rd_kafka_AdminOptions_destroy(options);
	return error;
}
