/*
 * kafka_source.c - committed winners, a chunk at a time, and what of them is to be committed: offsets
 * behind the last record taken, and at a partition's end behind its transaction markers, too, so that
 * a drained topic has no lag.
 */
#include "kafka_private.h"

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void drop_messages(struct kafka_in *in)
{
	while (in->messages > 0)
		rd_kafka_message_destroy(in->message[--in->messages]);
}

/* --- taking ----------------------------------------------------------------------------------- */

static void take_record(struct kafka_in *in, rd_kafka_message_t *message, struct incoming *to)
{
	int64_t replays = kafka_header_int(message, "replays");

	in->part[message->partition].next = message->offset + 1;
	in->trouble_since_ms = 0;
	*to = (struct incoming){.bytes = message->payload ? message->payload : "",
				.len = message->payload ? message->len : 0,
				.partition = message->partition,
				.offset = message->offset,
				.replays = replays > 0 ? replays : 0,
				.raw = message};
	in->message[in->messages++] = message;
}

/* What is no record: a partition's end, or an error. */
static int take_event(struct kafka_in *in, const rd_kafka_message_t *message, struct fault *why)
{
	rd_kafka_resp_err_t error = message->err;
	char text[256];

	if (error == RD_KAFKA_RESP_ERR__PARTITION_EOF && in->state >= KAFKA_READING)
		in->part[message->partition].next = message->offset;
	if (error == RD_KAFKA_RESP_ERR__PARTITION_EOF ||
	    error == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED)
		return 0;
	snprintf(text, sizeof text, "%s", rd_kafka_message_errstr(message));
	if (error == RD_KAFKA_RESP_ERR__FATAL)
		error = rd_kafka_fatal_error(in->rk, text, sizeof text);
	return kafka_in_trouble(in, error, text, why);
}

/* Looks once: a record, or NULL; *result is -1 where it was trouble that will not pass. The group may
 * have spoken meanwhile: what was taken before is dropped then. */
static rd_kafka_message_t *poll_one(struct kafka_in *in, int timeout_ms, int *result,
				    struct fault *why)
{
	rd_kafka_message_t *message;

	in->polled_ms = clock_ms();
	message = rd_kafka_consumer_poll(in->rk, timeout_ms);
	*result = 0;
	if (!message || !message->err)
		return message;
	*result = take_event(in, message, why);
	rd_kafka_message_destroy(message);
	return NULL;
}

/* Also backwards: a topic that was made anew begins at 0. */
static bool moved(const struct kafka_part *part)
{
	return part->ours && part->next >= 0 && part->next != part->committed;
}

static bool anything_to_commit(const struct kafka_in *in)
{
	for (int32_t p = 0; p < in->parts; p++)
		if (moved(&in->part[p]))
			return true;
	return false;
}

static int make_room(struct kafka_in *in, size_t max, struct fault *why)
{
	rd_kafka_message_t **more;

	if (max <= in->room)
		return 0;
	more = realloc(in->message, max * sizeof *more);
	if (!more)
		return fault_set(why, EX_OSERR, "out of memory");
	in->message = more;
	in->room = max;
	return 0;
}

/* What came before a rebalance is dropped, and what comes before the partitions are claimed. */
static int take_one(struct kafka_in *in, struct incoming *to, int timeout_ms, struct fault *why)
{
	int result;
	rd_kafka_message_t *message = poll_one(in, timeout_ms, &result, why);

	if (in->state < KAFKA_READING)
		drop_messages(in);
	if (message && in->state >= KAFKA_READING)
		take_record(in, message, &to[in->messages]);
	else if (message)
		rd_kafka_message_destroy(message);
	return result;
}

/* Said once by a poll, which may have been one whose answers are dropped. */
static int check_fatal(struct kafka_in *in, struct fault *why)
{
	char text[256];
	rd_kafka_resp_err_t error = rd_kafka_fatal_error(in->rk, text, sizeof text);

	return error ? kafka_in_trouble(in, error, text, why) : 0;
}

static void resume(struct kafka_in *in)
{
	rd_kafka_resume_partitions(in->rk, in->ours);
	in->state = KAFKA_READING;
}

/* Where partitions begin can soon be settled. */
static int wait_ms(const struct kafka_in *in)
{
	return in->state == KAFKA_ASSIGNED ? KAFKA_PAUSE_MS : KAFKA_POLL_MS;
}

static int kafka_take(struct source *source, struct incoming *to, size_t max,
		      const struct control *control, struct fault *why)
{
	struct kafka_in *in = (struct kafka_in *)source;
	int64_t until_ms = clock_ms() + (in->follow ? KAFKA_TEND_MS : KAFKA_POLL_MS);

	drop_messages(in);
	if (in->failed)
		return *why = in->failure, -1;
	if (make_room(in, max, why) < 0 || kafka_alive(in->kafka, in->rk, why) < 0 ||
	    check_fatal(in, why) < 0)
		return -1;
	if (in->state == KAFKA_PAUSED)
		resume(in);
	while (in->messages < max) {
		bool waits = in->messages == 0;

		if (in->state == KAFKA_ASSIGNED && kafka_in_claim(in, why) < 0)
			return -1;
		if (take_one(in, to, waits ? wait_ms(in) : 0, why) < 0)
			return -1;
		if (rd_kafka_queue_length(in->queue) > 0)
			continue; /* the ends of several partitions are one commit */
		if (!waits || (!in->messages && (control->stopping() || clock_ms() >= until_ms ||
						 anything_to_commit(in))))
			break;
	}
	return (int)in->messages;
}

static bool kafka_idle(struct source *source)
{
	struct kafka_in *in = (struct kafka_in *)source;

	return rd_kafka_queue_length(in->queue) == 0;
}

/* A paused partition gives out no record; if one did, it would have to be read again, as all that was
 * taken. */
static int kafka_tend(struct source *source, struct fault *why)
{
	struct kafka_in *in = (struct kafka_in *)source;
	rd_kafka_message_t *message;
	int result;

	if (clock_ms() - in->polled_ms < KAFKA_TEND_MS || in->state == KAFKA_CLAIMING)
		return 0;
	if (in->state == KAFKA_READING) {
		rd_kafka_pause_partitions(in->rk, in->ours);
		in->state = KAFKA_PAUSED;
	}
	message = poll_one(in, 0, &result, why);
	if (message && in->state == KAFKA_PAUSED)
		in->state = KAFKA_ASSIGNED;
	if (message)
		rd_kafka_message_destroy(message);
	if (result < 0) {
		in->failed = true;
		in->failure = *why;
	}
	return result;
}

static bool kafka_lost(struct source *source)
{
	const struct kafka_in *in = (struct kafka_in *)source;

	return in->messages > 0 && in->state < KAFKA_READING;
}

static int kafka_rewind(struct source *source, struct fault *why)
{
	struct kafka_in *in = (struct kafka_in *)source;

	(void)why;
	drop_messages(in);
	if (in->state >= KAFKA_READING)
		in->state = KAFKA_ASSIGNED;
	return 0;
}

/* --- what is committed ------------------------------------------------------------------------ */

/* There is no call that copies it. */
static rd_kafka_consumer_group_metadata_t *copy_member(
	const rd_kafka_consumer_group_metadata_t *member)
{
	rd_kafka_consumer_group_metadata_t *copy = NULL;
	void *bytes;
	size_t size;

	if (!rd_kafka_consumer_group_metadata_write(member, &bytes, &size)) {
		rd_kafka_consumer_group_metadata_read(&copy, bytes, size);
		rd_kafka_mem_free(NULL, bytes);
	}
	return copy;
}

rd_kafka_topic_partition_list_t *kafka_taken(struct kafka_in *in,
					     rd_kafka_consumer_group_metadata_t **member,
					     bool *lost)
{
	rd_kafka_topic_partition_list_t *list;
	const char *topic = in->kafka->topic[TOPIC_WINNERS];

	*lost = kafka_lost(&in->source);
	if (in->state < KAFKA_READING || !anything_to_commit(in))
		return NULL;
	list = rd_kafka_topic_partition_list_new(in->parts);
	for (int32_t p = 0; p < in->parts; p++)
		if (moved(&in->part[p]))
			rd_kafka_topic_partition_list_add(list, topic, p)->offset =
				in->part[p].next;
	*member = copy_member(in->member);
	return list;
}

void kafka_committed(struct kafka_in *in, const rd_kafka_topic_partition_list_t *list)
{
	in->moved_ms = clock_ms();
	for (int i = 0; i < list->cnt; i++) {
		struct kafka_part *part = &in->part[list->elems[i].partition];

		if (part->ours && (part->committed < list->elems[i].offset ||
				   (part->next >= 0 && part->next < part->committed)))
			part->committed = list->elems[i].offset;
	}
}

/* --- the end ---------------------------------------------------------------------------------- */

static bool drained(const struct kafka_part *part, int64_t committed)
{
	return (committed >= 0 ? committed : part->low) >= part->last;
}

/* What the others' partitions have, asked now and then. */
static int ask_others(struct kafka_in *in, bool *all, struct fault *why)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(in->parts);
	rd_kafka_resp_err_t error;

	for (int32_t p = 0; p < in->parts; p++)
		rd_kafka_topic_partition_list_add(list, in->kafka->topic[TOPIC_WINNERS], p);
	error = kafka_in_ask(in, list);
	*all = !error;
	for (int i = 0; i < list->cnt && !error; i++) {
		struct kafka_part *part = &in->part[list->elems[i].partition];
		int64_t offset = list->elems[i].offset;

		if (!part->ours && offset > part->committed) {
			part->committed = offset;
			in->moved_ms = clock_ms();
		}
		*all = *all && drained(part, part->ours ? part->committed : offset);
	}
	rd_kafka_topic_partition_list_destroy(list);
	return error && error != RD_KAFKA_RESP_ERR__TIMED_OUT
		       ? kafka_in_trouble(in, error, rd_kafka_err2str(error), why)
		       : 0;
}

static int kafka_ended(struct source *source, struct fault *why)
{
	struct kafka_in *in = (struct kafka_in *)source;
	int64_t now_ms = clock_ms();
	bool all = false;

	if (in->follow || in->state == KAFKA_ASSIGNED || anything_to_commit(in))
		return 0;
	for (int32_t p = 0; p < in->parts; p++)
		if (in->part[p].ours && !drained(&in->part[p], in->part[p].committed))
			return 0;
	if (now_ms - in->asked_ms < KAFKA_OTHERS_MS)
		return 0;
	in->asked_ms = now_ms;
	if (in->state >= KAFKA_READING && ask_others(in, &all, why) < 0)
		return -1;
	if (all)
		return 1;
	if (now_ms - in->moved_ms < in->kafka->session_ms + KAFKA_JOIN_MS)
		return 0;
	return fault_set(why, EX_TEMPFAIL,
			 "kafka '%s': other issuers have not drained their partitions of '%s': run "
			 "again later",
			 in->kafka->options.brokers, in->kafka->topic[TOPIC_WINNERS]);
}

/* --- opening and closing ---------------------------------------------------------------------- */

static void kafka_in_close(struct source *source)
{
	struct kafka_in *in = (struct kafka_in *)source;

	drop_messages(in);
	kafka_in_leave(in);
	in->kafka->in = NULL;
	free(in->message);
	free(in->part);
	free(in);
}

/* How far there is to go, for who does not follow. What a dispatcher has committed just now may need
 * a moment to be seen; a dead one's transaction is not waited for. */
static int read_ends(struct kafka_in *in, struct fault *why)
{
	int32_t parts = kafka_partitions(in->kafka, TOPIC_WINNERS, why);
	int64_t until_ms = clock_ms() + KAFKA_SETTLE_MS;

	if (parts < 0 || kafka_in_grow(in, parts, why) < 0)
		return -1;
	for (int32_t p = 0; p < parts && !in->follow; p++) {
		struct range range;

		if (kafka_wait_stable(in->kafka, TOPIC_WINNERS, p, until_ms - clock_ms(), NULL,
				      &range, why) < 0)
			return -1;
		in->part[p].low = range.low;
		in->part[p].last = in->part[p].end = range.stable;
	}
	return 0;
}

int kafka_source_open(struct kafka *k, const char *instance, bool follow, struct kafka_in **opened,
		      struct fault *why)
{
	struct kafka_in *in = calloc(1, sizeof *in);

	if (!in)
		return fault_errno(why, EX_OSERR, "kafka");
	in->kafka = k;
	in->follow = follow;
	in->moved_ms = clock_ms();
	in->source = (struct source){.take = kafka_take,
				     .ended = kafka_ended,
				     .idle = kafka_idle,
				     .tend = kafka_tend,
				     .lost = kafka_lost,
				     .rewind = kafka_rewind,
				     .close = kafka_in_close,
				     .buried = kafka_buried};
	k->in = in;
	snprintf(in->name, sizeof in->name, "%sfcfs-issue-%s", k->options.prefix, instance);
	if (read_ends(in, why) == 0 && kafka_in_join(in, why) == 0)
		return *opened = in, 0;
	kafka_in_close(&in->source);
	return -1;
}
