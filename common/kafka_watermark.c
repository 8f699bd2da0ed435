/*
 * kafka_watermark.c - where a partition begins and ends.
 *
 * rd_kafka_query_watermark_offsets() waits for its answer whatever its time-out says: with the broker gone
 * in the middle of the question it never returned (seen in 2.0.2). Asking for the offsets "for" the
 * times -2 and -1, which in the protocol mean the first and the next, does return.
 */
#include "kafka_private.h"

#include "clock.h"

rd_kafka_resp_err_t kafka_ask_offset(rd_kafka_t *rk, const char *topic, int32_t partition,
				     int64_t which, int64_t *offset)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_t *asked =
		rd_kafka_topic_partition_list_add(list, topic, partition);
	rd_kafka_resp_err_t error;

	asked->offset = which;
	error = rd_kafka_offsets_for_times(rk, list, KAFKA_ASK_MS);
	if (!error)
		error = asked->err;
	*offset = asked->offset;
	rd_kafka_topic_partition_list_destroy(list);
	return error;
}

static rd_kafka_resp_err_t ask_both(rd_kafka_t *rk, const char *topic, int32_t partition,
				    int64_t *low, int64_t *high)
{
	rd_kafka_resp_err_t error =
		kafka_ask_offset(rk, topic, partition, RD_KAFKA_OFFSET_BEGINNING, low);

	return error ? error : kafka_ask_offset(rk, topic, partition, RD_KAFKA_OFFSET_END, high);
}

/* Its leader is being chosen, or does not know yet that it is: as with a topic just made. */
static bool passes(rd_kafka_resp_err_t error)
{
	return error == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
	       error == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
	       error == RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE ||
	       error == RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE ||
	       error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

int kafka_watermarks(struct kafka *k, bool committed, enum topic topic, int32_t partition,
		     int64_t *low, int64_t *high, struct fault *why)
{
	rd_kafka_t *rk = kafka_reader(k, committed, why);
	int64_t until_ms = 0;
	struct kafka_wait wait = {0};
	int again = rk ? 1 : -1;

	while (again > 0) {
		rd_kafka_resp_err_t error = ask_both(rk, k->topic[topic], partition, low, high);

		if (error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) /* no broker leads it now */
			error = RD_KAFKA_RESP_ERR__TIMED_OUT;
		if (passes(error) && !until_ms)
			until_ms = clock_ms() + KAFKA_LEADER_MS;
		if (passes(error) && clock_ms() < until_ms)
			clock_sleep_ms(KAFKA_PAUSE_MS);
		else
			again = kafka_asked(k, error, &wait, why);
	}
	return again;
}
