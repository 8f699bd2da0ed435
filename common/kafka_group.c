/*
 * kafka_group.c - the issuers' group: joining it as a static member, taking partitions, leaving.
 *
 *   OUTSIDE --assigned--> ASSIGNED --claim--> CLAIMING --seek--> READING --tend--> PAUSED
 *      ^                     ^  ^             | |                 |    ^            |
 *      |                     |  +-- not yet --+ |                 |    +--- take ---+
 *      |                     +------------------|---- rewind -----+
 *      +--------------------- rejoin -----------+
 *
 * From any state, the group's word: revoked, and it is OUTSIDE; assigned anew, and it is ASSIGNED.
 * The member is polled, so that it stays one and hears that, also where a chunk takes long, PAUSED, and
 * where CLAIMING does, which is kafka_claim.c's: what comes is dropped then, and sought afterwards.
 *
 * What is taken belongs to the generation of the group in which it was taken: once that has
 * passed, nothing of it may be committed, for a broker checks who commits and in which generation,
 * not whose the partitions are. So the member's metadata is that of the last assignment, never
 * asked for anew.
 */
#include "kafka_private.h"

#include "clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool kafka_in_lasts(struct kafka_in *in)
{
	int64_t now_ms = clock_ms(), limit_ms = in->kafka->options.reconnect_ms;

	if (!in->trouble_since_ms || now_ms - in->trouble_ms > limit_ms)
		in->trouble_since_ms = now_ms;
	in->trouble_ms = now_ms;
	return now_ms - in->trouble_since_ms >= limit_ms;
}

int kafka_in_trouble(struct kafka_in *in, rd_kafka_resp_err_t error, const char *text,
		     struct fault *why)
{
	enum remedy remedy = kafka_sort(in->kafka, error, text, why);

	if (remedy == REMEDY_FENCED || error == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
		return fault_set(
			why, EX_TEMPFAIL,
			"kafka '%s': another issuer runs as '%s': name this one with --instance",
			in->kafka->options.brokers, in->name);
	in->kafka->options.control->note(why->line);
	return remedy == REMEDY_NONE || kafka_in_lasts(in) ? -1 : 0;
}

int kafka_in_grow(struct kafka_in *in, int32_t parts, struct fault *why)
{
	struct kafka_part *more;

	if (parts <= in->parts)
		return 0;
	more = realloc(in->part, (size_t)parts * sizeof *more);
	if (!more)
		return fault_set(why, EX_OSERR, "out of memory");
	in->part = more;
	for (; in->parts < parts; in->parts++)
		in->part[in->parts] =
			(struct kafka_part){.next = -1, .listed = -1, .committed = -1};
	return 0;
}

static void disown(struct kafka_in *in)
{
	if (in->ours)
		rd_kafka_topic_partition_list_destroy(in->ours);
	if (in->member)
		rd_kafka_consumer_group_metadata_destroy(in->member);
	in->ours = NULL;
	in->member = NULL;
	for (int32_t p = 0; p < in->parts; p++) {
		in->part[p].ours = false;
		in->part[p].next = in->part[p].listed = in->part[p].committed = -1;
	}
}

/* The group has decided. From a poll, so in our own thread. */
static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t what,
			 rd_kafka_topic_partition_list_t *list, void *self)
{
	struct kafka_in *in = ((struct kafka *)self)->in;
	bool assigned = what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;

	disown(in);
	rd_kafka_assign(rk, assigned ? list : NULL);
	if (assigned) {
		in->ours = rd_kafka_topic_partition_list_copy(list);
		in->member = rd_kafka_consumer_group_metadata(rk);
	}
	in->state = assigned ? KAFKA_ASSIGNED : KAFKA_OUTSIDE;
	in->moved_ms = clock_ms();
	rd_kafka_yield(rk); /* who polls is to know it now */
}

rd_kafka_resp_err_t kafka_in_ask(struct kafka_in *in, rd_kafka_topic_partition_list_t *list)
{
	rd_kafka_resp_err_t error = rd_kafka_committed(in->rk, list, KAFKA_ASK_MS);
	struct fault ignored;
	rd_kafka_t *rk =
		error == RD_KAFKA_RESP_ERR__TIMED_OUT ? kafka_outsider(in->kafka, &ignored) : NULL;

	if (rk)
		error = rd_kafka_committed(rk, list, KAFKA_ASK_MS);
	for (int i = 0; i < list->cnt && !error; i++)
		error = list->elems[i].err;
	return error;
}

static int ask_one(struct kafka_in *in, int32_t partition, int64_t *committed, struct fault *why)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	struct kafka_wait wait = {0};
	int again = 1;

	rd_kafka_topic_partition_list_add(list, in->kafka->topic[TOPIC_WINNERS], partition);
	while (again > 0)
		again = kafka_asked(in->kafka, kafka_in_ask(in, list), &wait, why);
	*committed = list->elems[0].offset;
	rd_kafka_topic_partition_list_destroy(list);
	return again;
}

/* What is committed beyond a partition's end is of a topic that was there before. */
int kafka_reach(struct source *source, int32_t partition, struct reach *reach, struct fault *why)
{
	struct kafka_in *in = (struct kafka_in *)source;
	int32_t parts = kafka_partitions(in->kafka, TOPIC_WINNERS, why);

	*reach = (struct reach){0};
	if (parts < 0 ||
	    (partition < parts && (ask_one(in, partition, &reach->committed, why) < 0 ||
				   kafka_watermarks(in->kafka, true, TOPIC_WINNERS, partition,
						    &reach->low, &reach->end, why) < 0)))
		return -1;
	if (reach->committed < 0 || reach->committed > reach->end)
		reach->committed = 0;
	return 0;
}

int kafka_find_mark(struct kafka_in *in, const rd_kafka_topic_partition_list_t *offsets,
		    const char *mark, struct fault *why)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(offsets);
	struct kafka_wait wait = {0};
	bool found = false;
	int again = 1;

	while (again > 0)
		again = kafka_asked(in->kafka, kafka_in_ask(in, list), &wait, why);
	for (int i = 0; i < list->cnt; i++) {
		const rd_kafka_topic_partition_t *p = &list->elems[i];

		found = found || (p->metadata_size == strlen(mark) &&
				  memcmp(p->metadata, mark, p->metadata_size) == 0 &&
				  p->offset == offsets->elems[i].offset);
	}
	rd_kafka_topic_partition_list_destroy(list);
	return again < 0 ? -1 : found;
}

static int subscribe(struct kafka_in *in, struct fault *why)
{
	rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
	rd_kafka_resp_err_t error;

	rd_kafka_topic_partition_list_add(topics, in->kafka->topic[TOPIC_WINNERS],
					  RD_KAFKA_PARTITION_UA);
	error = rd_kafka_subscribe(in->rk, topics);
	rd_kafka_topic_partition_list_destroy(topics);
	return error ? fault_set(why, EX_SOFTWARE, "kafka: subscribe: %s", rd_kafka_err2str(error))
		     : 0;
}

int kafka_in_rejoin(struct kafka_in *in, struct fault *why)
{
	in->state = KAFKA_OUTSIDE;
	rd_kafka_unsubscribe(in->rk);
	return subscribe(in, why);
}

int kafka_in_join(struct kafka_in *in, struct fault *why)
{
	const struct kafka_setting settings[] = {
		{"group.id", in->kafka->group},
		{"group.instance.id", in->name},
		{"isolation.level", "read_committed"},
		{"enable.auto.commit", "false"},
		{"enable.auto.offset.store", "false"},
		{"enable.partition.eof", "true"},
		{"auto.offset.reset", "earliest"},
		{"allow.auto.create.topics", "false"},
		/* the end of a topic shows after that, to who goes there */
		{in->follow ? NULL : "fetch.wait.max.ms", "10"},
		{0},
	};
	rd_kafka_conf_t *conf = kafka_conf(in->kafka, settings);

	rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
	in->rk = kafka_client(RD_KAFKA_CONSUMER, conf, why);
	if (!in->rk)
		return -1;
	rd_kafka_poll_set_consumer(in->rk);
	in->queue = rd_kafka_queue_get_consumer(in->rk);
	return subscribe(in, why);
}

static bool is_member(rd_kafka_t *rk)
{
	char *id = rd_kafka_memberid(rk);
	bool is = id && *id;

	if (id)
		rd_kafka_mem_free(rk, id);
	return is;
}

/* A static member that just goes keeps its partitions until its session ends: unsubscribing gives
 * them back at once, if it is polled until they are gone and the request to leave is out. It has no
 * member's id any more when that is on its way. */
static void unsubscribe(struct kafka_in *in)
{
	int64_t until_ms = clock_ms() + KAFKA_LEAVE_MS;
	bool gone = false;

	rd_kafka_unsubscribe(in->rk);
	while (clock_ms() < until_ms) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(in->rk, KAFKA_PAUSE_MS);

		if (message)
			rd_kafka_message_destroy(message);
		if (!in->ours && !gone && !is_member(in->rk)) {
			gone = true;
			until_ms = clock_ms() + KAFKA_PAUSE_MS;
		}
	}
}

void kafka_in_leave(struct kafka_in *in)
{
	if (!in->rk)
		return;
	unsubscribe(in);
	rd_kafka_queue_destroy(in->queue);
	rd_kafka_consumer_close(in->rk);
	disown(in);
	rd_kafka_destroy(in->rk);
	in->rk = NULL;
}
