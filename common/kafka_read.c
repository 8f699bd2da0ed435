/*
 * kafka_read.c - reading topics outside any group: ranges.
 */
#include "kafka_private.h"

#include "clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAKE_EVERY = 1000 };

rd_kafka_t *kafka_reader(struct kafka *k, bool committed, struct fault *why)
{
	rd_kafka_t **reader = committed ? &k->committed : &k->uncommitted;
	char group[KAFKA_NAME_MAX];
	const struct kafka_setting settings[] = {
		{"group.id", group},
		{"isolation.level", committed ? "read_committed" : "read_uncommitted"},
		{"enable.auto.commit", "false"},
		{"enable.partition.eof", "true"},
		{"auto.offset.reset", "earliest"},
		{"allow.auto.create.topics", "false"},
		{"fetch.wait.max.ms", "10"},	 /* the end of a topic shows after that */
		{"statistics.interval.ms", "0"}, /* nobody polls for them here */
		{"fetch.queue.backoff.ms", "1"}, /* the last: before 2.3 there was none */
		{0},
	};

	snprintf(group, sizeof group, "%sfcfs-reader", k->options.prefix);
	if (!*reader)
		*reader = kafka_client(RD_KAFKA_CONSUMER, kafka_conf(k, settings), why);
	return *reader;
}

rd_kafka_t *kafka_outsider(struct kafka *k, struct fault *why)
{
	const struct kafka_setting settings[] = {{"group.id", k->group},
						 {"isolation.level", "read_uncommitted"},
						 {"statistics.interval.ms", "0"},
						 {0}};

	if (!k->outsider)
		k->outsider = kafka_client(RD_KAFKA_CONSUMER, kafka_conf(k, settings), why);
	return k->outsider;
}

/* --- questions -------------------------------------------------------------------------------- */

int kafka_tell_waiting(struct sink *waits, struct fault *why)
{
	return waits && waits->waiting ? waits->waiting(waits->waiting_self, why) : 0;
}

static int ask_again(struct kafka *k, struct kafka_wait *wait, struct fault *why)
{
	char line[256];

	kafka_speak(k);
	if (k->options.control->stopping())
		return kafka_stopped(k, why);
	if (!wait->until_ms) {
		wait->until_ms = clock_ms() + k->options.reconnect_ms;
		snprintf(line, sizeof line, "kafka '%.200s': no answer: waiting for it",
			 k->options.brokers);
		k->options.control->warn(line);
	}
	if (clock_ms() >= wait->until_ms)
		return kafka_unreachable(k, why);
	if (kafka_tell_waiting(k->waits, why) < 0)
		return -1;
	clock_sleep_ms(KAFKA_PAUSE_MS);
	return 1;
}

bool kafka_no_answer(rd_kafka_resp_err_t error)
{
	return error == RD_KAFKA_RESP_ERR__TIMED_OUT ||
	       error == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE || error == RD_KAFKA_RESP_ERR__TRANSPORT;
}

int kafka_asked(struct kafka *k, rd_kafka_resp_err_t error, struct kafka_wait *wait,
		struct fault *why)
{
	if (!error)
		return 0;
	if (kafka_no_answer(error))
		return wait ? ask_again(k, wait, why) : kafka_unreachable(k, why);
	kafka_sort(k, error, rd_kafka_err2str(error), why);
	return -1;
}

int64_t kafka_hurry(struct kafka *k)
{
	int64_t reconnect_ms = k->options.reconnect_ms;

	if (reconnect_ms > KAFKA_REPORT_MS)
		k->options.reconnect_ms = KAFKA_REPORT_MS;
	return reconnect_ms;
}

/* All topics are asked for: asking for one would create it where brokers do so by themselves. */
int kafka_metadata(struct kafka *k, const struct rd_kafka_metadata **metadata, struct fault *why)
{
	rd_kafka_t *rk = kafka_reader(k, true, why);
	struct kafka_wait wait = {0};
	int again = rk ? 1 : -1;

	while (again > 0)
		again = kafka_asked(k, rd_kafka_metadata(rk, 1, NULL, metadata, KAFKA_ASK_MS),
				    &wait, why);
	return again;
}

static int32_t find_topic(const struct rd_kafka_metadata *metadata, const char *name)
{
	for (int t = 0; t < metadata->topic_cnt; t++)
		if (strcmp(metadata->topics[t].topic, name) == 0 && !metadata->topics[t].err)
			return metadata->topics[t].partition_cnt;
	return 0;
}

static int missing(struct kafka *k, enum topic topic, struct fault *why)
{
	return fault_set(why, EX_CONFIG,
			 "kafka '%s': there is no topic '%s': create the topics with fcfs-setup "
			 "kafka",
			 k->options.brokers, k->topic[topic]);
}

int32_t kafka_partitions(struct kafka *k, enum topic topic, struct fault *why)
{
	const struct rd_kafka_metadata *metadata;
	int32_t count;

	if (kafka_metadata(k, &metadata, why) < 0)
		return -1;
	count = find_topic(metadata, k->topic[topic]);
	rd_kafka_metadata_destroy(metadata);
	return count ? count : missing(k, topic, why);
}

int kafka_require(struct kafka *k, struct fault *why)
{
	const struct rd_kafka_metadata *metadata;
	int result = 0;

	if (kafka_metadata(k, &metadata, why) < 0)
		return -1;
	for (int t = 0; t < TOPICS && result == 0; t++)
		if (!find_topic(metadata, k->topic[t]))
			result = missing(k, (enum topic)t, why);
	rd_kafka_metadata_destroy(metadata);
	return result;
}

/* --- a range of a partition ------------------------------------------------------------------- */

static int assign_at(struct kafka *k, rd_kafka_t *rk, const char *topic, int32_t partition,
		     int64_t from, struct fault *why)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_resp_err_t error;

	rd_kafka_topic_partition_list_add(list, topic, partition)->offset = from;
	error = rd_kafka_assign(rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	return kafka_asked(k, error, NULL, why);
}

/* 1: the end is reached; 0; -1, or what visit says. */
static int one_message(struct kafka *k, rd_kafka_message_t *message, int64_t to,
		       int (*visit)(void *, const rd_kafka_message_t *, struct fault *), void *self,
		       bool *end, struct fault *why)
{
	if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		return *end = true, 0;
	if (message->err)
		return kafka_asked(k, message->err, NULL, why);
	if (message->offset >= to)
		return *end = true, 0;
	*end = message->offset + 1 >= to;
	return visit(self, message, why);
}

void kafka_wake(rd_kafka_t *rk, const rd_kafka_message_t *message, int64_t read)
{
	int64_t end;

	if (read % WAKE_EVERY == 0)
		kafka_ask_offset(rk, rd_kafka_topic_name(message->rkt), message->partition,
				 RD_KAFKA_OFFSET_END, &end);
}

/* A few records are read in any case: who is asked to stop may need them for what is begun. */
static bool must_stop(const struct kafka *k, int64_t read, int64_t heard_ms)
{
	return k->options.control->stopping() &&
	       (read > WAKE_EVERY || clock_ms() - heard_ms > KAFKA_ASK_MS);
}

int kafka_scan(struct kafka *k, enum topic topic, int32_t partition, int64_t from, int64_t to,
	       int (*visit)(void *, const rd_kafka_message_t *, struct fault *), void *self,
	       struct fault *why)
{
	rd_kafka_t *rk = kafka_reader(k, true, why);
	int64_t heard_ms = clock_ms(), read = 0;
	bool end = from >= to;
	int result = end ? 0 : rk ? assign_at(k, rk, k->topic[topic], partition, from, why) : -1;

	while (result == 0 && !end) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, KAFKA_POLL_MS);

		if (message) {
			kafka_wake(rk, message, ++read);
			heard_ms = clock_ms();
			result = one_message(k, message, to, visit, self, &end, why);
			rd_kafka_message_destroy(message);
		} else if (clock_ms() - heard_ms >= k->options.reconnect_ms) {
			result = kafka_unreachable(k, why);
		}
		kafka_speak(k);
		if (result == 0 && !end && must_stop(k, read, heard_ms))
			result = fault_set(why, EX_TEMPFAIL, "asked to stop while reading '%s'",
					   k->topic[topic]);
		if (result == 0 && !end)
			result = kafka_tell_waiting(k->waits, why);
	}
	if (rk)
		rd_kafka_assign(rk, NULL);
	return result;
}

const char *kafka_header(const rd_kafka_message_t *message, const char *name, size_t *len)
{
	rd_kafka_headers_t *headers;
	const void *value = NULL;

	*len = 0;
	if (rd_kafka_message_headers(message, &headers) ||
	    rd_kafka_header_get_last(headers, name, &value, len))
		return NULL;
	return value;
}

int64_t kafka_header_int(const rd_kafka_message_t *message, const char *name)
{
	size_t len;
	const char *text = kafka_header(message, name, &len);
	char digits[20] = "";

	if (!text || len == 0 || len >= sizeof digits)
		return -1;
	memcpy(digits, text, len);
	return strspn(digits, "0123456789") == len ? strtoll(digits, NULL, 10) : -1;
}

/* --- what is decided ---------------------------------------------------------------------------- */

int kafka_wait_stable(struct kafka *k, enum topic topic, int32_t partition, int64_t limit_ms,
		      struct sink *waits, struct range *range, struct fault *why)
{
	int64_t until_ms = clock_ms() + limit_ms, end;

	if (kafka_watermarks(k, false, topic, partition, &range->low, &end, why) < 0)
		return -1;
	for (;;) {
		if (kafka_watermarks(k, true, topic, partition, &range->low, &range->stable, why) <
		    0)
			return -1;
		if (range->stable >= end)
			return 1;
		if (clock_ms() >= until_ms || k->options.control->stopping())
			return 0;
		if (kafka_tell_waiting(waits, why) < 0)
			return -1;
		clock_sleep_ms(KAFKA_PAUSE_MS);
	}
}

int kafka_wait_settled(struct kafka *k, enum topic topic, int32_t partition, struct sink *waits,
		       struct range *range, struct fault *why)
{
	int stable = kafka_wait_stable(k, topic, partition, k->transaction_ms + KAFKA_GRACE_MS,
				       waits, range, why);

	if (stable != 0)
		return stable < 0 ? -1 : 0;
	if (k->options.control->stopping())
		return kafka_stopped(k, why);
	return fault_set(
		why, EX_TEMPFAIL,
		"kafka '%s': a writer has left a transaction open in topic '%s': try again "
		"later",
		k->options.brokers, k->topic[topic]);
}
