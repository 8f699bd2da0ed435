/*
 * kafka_take.c - committed winners, a take at a time, and what of each is to be committed: offsets behind
 * the last record taken, and at a partition's end behind its transaction markers, too, so that a
 * drained topic has no lag.
 *
 * A take is held, with its records, until a commit has its offsets, in turn. When the group speaks while
 * any is held, it is lost: nothing more is taken until the rewind drops them all.
 */
#include "kafka_private.h"

#include "clock.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* --- taking ----------------------------------------------------------------------------------- */

static void drop_messages(struct kafka_take *take)
{
	while (take->messages > 0)
		rd_kafka_message_destroy(take->message[--take->messages]);
}

static void drop(struct kafka_take *take)
{
	drop_messages(take);
	if (take->offsets)
		rd_kafka_topic_partition_list_destroy(take->offsets);
	take->offsets = NULL;
}

void kafka_drop_taken(struct kafka_in *in)
{
	for (int t = 0; t < KAFKA_TAKES; t++)
		drop(&in->take[t]);
	in->held = 0;
}

static void take_record(struct kafka_in *in, struct kafka_take *take, rd_kafka_message_t *message,
			struct incoming *to)
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
	take->message[take->messages++] = message;
	kafka_wake(in->rk, message, ++in->read);
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

rd_kafka_message_t *kafka_in_poll(struct kafka_in *in, int timeout_ms, int *result,
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
	return part->ours && part->next >= 0 && part->next != part->listed;
}

bool kafka_to_commit(const struct kafka_in *in)
{
	for (int32_t p = 0; p < in->parts && in->state >= KAFKA_READING; p++)
		if (moved(&in->part[p]))
			return true;
	return false;
}

static int make_room(struct kafka_take *take, size_t max, struct fault *why)
{
	rd_kafka_message_t **more;

	if (max <= take->room)
		return 0;
	more = realloc(take->message, max * sizeof *more);
	if (!more)
		return fault_set(why, EX_OSERR, "out of memory");
	take->message = more;
	take->room = max;
	return 0;
}

/* What came before a rebalance is dropped, and what comes before the partitions are claimed. */
static int take_one(struct kafka_in *in, struct kafka_take *take, struct incoming *to,
		    int timeout_ms, struct fault *why)
{
	int result;
	rd_kafka_message_t *message = kafka_in_poll(in, timeout_ms, &result, why);

	if (in->state < KAFKA_READING)
		drop_messages(take);
	if (message && in->state >= KAFKA_READING)
		take_record(in, take, message, &to[take->messages]);
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

bool kafka_lost(struct source *source)
{
	const struct kafka_in *in = (struct kafka_in *)source;

	return in->held > 0 && in->state < KAFKA_READING;
}

/* Where partitions begin can soon be settled. */
static int wait_ms(const struct kafka_in *in)
{
	return in->state == KAFKA_ASSIGNED ? KAFKA_PAUSE_MS : KAFKA_POLL_MS;
}

/* Is there something to do without a record? */
static bool is_due(const struct kafka_in *in)
{
	return kafka_to_commit(in) || (in->state >= KAFKA_READING && kafka_may_have_ended(in));
}

/* Who follows has more to commit with it soon. */
static bool may_wait(const struct kafka_in *in, const struct kafka_take *take)
{
	return take->messages == 0 && (in->follow || !is_due(in));
}

/* Is that all, for now? */
static bool enough(const struct kafka_in *in, const struct control *control, int64_t until_ms)
{
	return !control || control->stopping() || clock_ms() >= until_ms || is_due(in);
}

static int fill(struct kafka_in *in, struct kafka_take *take, struct incoming *to, size_t max,
		const struct control *control, struct fault *why)
{
	int64_t until_ms = clock_ms() + (in->follow ? KAFKA_TEND_MS : KAFKA_POLL_MS);

	while (take->messages < max && !kafka_lost(&in->source)) {
		bool waits = control && may_wait(in, take);

		if (in->state == KAFKA_ASSIGNED && kafka_in_claim(in, why) < 0)
			return -1;
		if (take_one(in, take, to, waits ? wait_ms(in) : 0, why) < 0)
			return -1;
		if (rd_kafka_queue_length(in->queue) > 0)
			continue; /* the ends of several partitions are one commit */
		if (take->messages || enough(in, control, until_ms))
			break;
	}
	return 0;
}

static rd_kafka_topic_partition_list_t *list(struct kafka_in *in)
{
	rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(in->parts);

	for (int32_t p = 0; p < in->parts; p++) {
		if (!moved(&in->part[p]))
			continue;
		in->part[p].listed = in->part[p].next;
		rd_kafka_topic_partition_list_add(offsets, in->kafka->topic[TOPIC_WINNERS], p)
			->offset = in->part[p].next;
	}
	return offsets;
}

int kafka_take(struct source *source, struct incoming *to, size_t max,
	       const struct control *control, struct fault *why)
{
	struct kafka_in *in = (struct kafka_in *)source;
	struct kafka_take *take = &in->take[in->turn];

	drop(take);
	if (in->failed)
		return *why = in->failure, -1;
	if (make_room(take, max, why) < 0 || kafka_alive(in->kafka, in->rk, why) < 0 ||
	    check_fatal(in, why) < 0)
		return -1;
	if (in->state == KAFKA_PAUSED)
		resume(in);
	if (fill(in, take, to, max, control, why) < 0)
		return -1;
	if (!take->messages && (!control || !kafka_to_commit(in)))
		return 0;
	assert(in->held < KAFKA_TAKES);
	take->offsets = list(in);
	in->turn = (in->turn + 1) % KAFKA_TAKES;
	in->held++;
	return (int)take->messages;
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

/* Later ones count. */
static void merge(rd_kafka_topic_partition_list_t *into,
		  const rd_kafka_topic_partition_list_t *from)
{
	for (int i = 0; i < from->cnt; i++) {
		const rd_kafka_topic_partition_t *p = &from->elems[i];
		rd_kafka_topic_partition_t *there =
			rd_kafka_topic_partition_list_find(into, p->topic, p->partition);

		if (!there)
			there = rd_kafka_topic_partition_list_add(into, p->topic, p->partition);
		there->offset = p->offset;
	}
}

rd_kafka_topic_partition_list_t *kafka_taken(struct kafka_in *in, size_t takes,
					     rd_kafka_consumer_group_metadata_t **member,
					     bool *lost)
{
	rd_kafka_topic_partition_list_t *offsets;

	*lost = kafka_lost(&in->source);
	if (in->held == 0 || takes == 0 || *lost)
		return NULL;
	offsets = rd_kafka_topic_partition_list_new(in->parts);
	for (; in->held > 0 && takes > 0; in->held--, takes--) {
		struct kafka_take *take =
			&in->take[(in->turn + KAFKA_TAKES - in->held) % KAFKA_TAKES];

		merge(offsets, take->offsets);
		drop(take);
	}
	*member = copy_member(in->member);
	return offsets;
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
