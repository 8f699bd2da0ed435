/*
 * kafka_record.c - a record as it goes out: key, value and headers; a dead letter keeps its own.
 */
#include "kafka_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char SCHEMA[] = "1";

static void replace(rd_kafka_headers_t *headers, const char *name, const char *value)
{
	rd_kafka_header_remove(headers, name);
	rd_kafka_header_add(headers, name, -1, value, (ssize_t)strlen(value));
}

static void replace_int(rd_kafka_headers_t *headers, const char *name, int64_t value)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%" PRId64, value);
	replace(headers, name, digits);
}

/* The record's own headers, unless it is cut, and why it is dead. */
static rd_kafka_headers_t *dead_headers(const struct kafka *k, const struct cause *cause, bool cut)
{
	const rd_kafka_message_t *message = cause->record->raw;
	rd_kafka_headers_t *theirs, *headers;

	headers = cut || rd_kafka_message_headers(message, &theirs) ? rd_kafka_headers_new(8)
								    : rd_kafka_headers_copy(theirs);
	replace(headers, "error_class", cause->kind);
	replace(headers, "error_message", cause->message);
	replace_int(headers, "attempts", cause->attempts);
	replace_int(headers, "first_failure_us", cause->first_us);
	replace_int(headers, "last_failure_us", cause->last_us);
	replace(headers, "original_topic", k->topic[TOPIC_WINNERS]);
	replace_int(headers, "original_partition", message->partition);
	replace_int(headers, "original_offset", message->offset);
	replace_int(headers, "replays", cause->replays);
	replace(headers, "run", cause->run);
	return headers;
}

static size_t at_most(size_t len, bool cut)
{
	return cut && len > DEAD_VALUE_MAX ? DEAD_VALUE_MAX : len;
}

/* One that is too large goes out cut: the beginnings of its key and its value, no headers of its own. */
static rd_kafka_resp_err_t produce_dead(const struct kafka *k, rd_kafka_t *rk,
					rd_kafka_topic_t *topic, const struct cause *cause,
					bool cut)
{
	const rd_kafka_message_t *message = cause->record->raw;
	rd_kafka_headers_t *headers = dead_headers(k, cause, cut);
	rd_kafka_resp_err_t error;

	if (cut)
		replace_int(headers, "truncated", (int64_t)message->len);
	error = rd_kafka_producev(rk, RD_KAFKA_V_RKT(topic),
				  RD_KAFKA_V_KEY(message->key, at_most(message->key_len, cut)),
				  RD_KAFKA_V_VALUE(message->payload, at_most(message->len, cut)),
				  RD_KAFKA_V_HEADERS(headers),
				  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
	if (error)
		rd_kafka_headers_destroy(headers);
	if (error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && !cut)
		return produce_dead(k, rk, topic, cause, true);
	return error;
}

/* What dead_headers has added; a tool may have written more than one of a name. */
static const char *const ADDED[] = {"error_class",	  "error_message",   "attempts",
				    "first_failure_us",	  "last_failure_us", "original_topic",
				    "original_partition", "original_offset", "run"};

/* A dead letter as it was before it died, but that it says how often it was sent again. */
static rd_kafka_resp_err_t produce_again(rd_kafka_t *rk, rd_kafka_topic_t *topic,
					 const struct incoming *record)
{
	const rd_kafka_message_t *message = record->raw;
	rd_kafka_headers_t *theirs, *headers;
	rd_kafka_resp_err_t error;

	headers = rd_kafka_message_headers(message, &theirs) ? rd_kafka_headers_new(1)
							     : rd_kafka_headers_copy(theirs);
	for (size_t i = 0; i < sizeof ADDED / sizeof *ADDED; i++)
		rd_kafka_header_remove(headers, ADDED[i]);
	replace_int(headers, "replays", record->replays + 1);
	error = rd_kafka_producev(
		rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_KEY(message->key, message->key_len),
		RD_KAFKA_V_VALUE(message->payload, message->len), RD_KAFKA_V_HEADERS(headers),
		RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
	if (error)
		rd_kafka_headers_destroy(headers);
	return error;
}

rd_kafka_resp_err_t kafka_produce(const struct kafka *k, rd_kafka_t *rk,
				  rd_kafka_topic_t *const *topic, const struct outgoing *o)
{
	if (o->topic == TOPIC_DEAD)
		return produce_dead(k, rk, topic[TOPIC_DEAD], o->cause, false);
	if (o->again)
		return produce_again(rk, topic[o->topic], o->again);
	return rd_kafka_producev(rk, RD_KAFKA_V_RKT(topic[o->topic]),
				 RD_KAFKA_V_KEY(o->key, strlen(o->key)),
				 RD_KAFKA_V_VALUE((void *)(uintptr_t)o->bytes, o->len),
				 RD_KAFKA_V_HEADER("event", o->event, (ssize_t)strlen(o->event)),
				 RD_KAFKA_V_HEADER("v", SCHEMA, sizeof SCHEMA - 1),
				 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
}
