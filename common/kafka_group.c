/*
 * kafka_group.c - the issuers' group: joining it as a static member, taking partitions, leaving.
 *
 *   OUTSIDE --assigned--> ASSIGNED --claim--> CLAIMING --seek--> READING --tend--> PAUSED
 *                            ^  ^               |                 |    ^            |
 *                            |  +-- not yet ----+                 |    +--- take ---+
 *                            +------------- rewind ---------------+
 *
 * From any state, the group's word: revoked, and it is OUTSIDE; assigned anew, and it is ASSIGNED.
 * Nothing is polled, so the group says nothing, while CLAIMING. In PAUSED the partitions are: a chunk
 * takes long, and the member is polled so that it stays one.
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

/* Has there been trouble, and nothing else, for as long as reconnect_ms? */
static bool lasts(struct kafka_in *in)
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
	return remedy == REMEDY_NONE || lasts(in) ? -1 : 0;
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
		in->part[in->parts] = (struct kafka_part){.next = -1, .committed = -1};
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
		in->part[p].next = in->part[p].committed = -1;
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
}

/* Tells who takes over what of each partition is committed. */
static int tell_claim(struct kafka_in *in, struct fault *why)
{
	struct span *span = calloc((size_t)in->ours->cnt + 1, sizeof *span);
	size_t count = 0;
	int result;

	if (!span)
		return fault_errno(why, EX_OSERR, "kafka");
	for (int i = 0; i < in->ours->cnt; i++)
		if (in->ours->elems[i].offset >= 0)
			span[count++] = (struct span){in->ours->elems[i].partition,
						      in->ours->elems[i].offset};
	result = count && in->source.claim
			 ? in->source.claim(in->source.claim_self, span, count, why)
			 : 0;
	free(span);
	return result;
}

/* Back to what is committed. By seeking: partitions that are assigned again while a revocation waits
 * to be polled make librdkafka abort the process (its issue 5573, in all up to 2.15). */
static bool seek(struct kafka_in *in)
{
	rd_kafka_error_t *error;
	bool failed;

	for (int i = 0; i < in->ours->cnt; i++)
		if (in->ours->elems[i].offset < 0)
			in->ours->elems[i].offset = RD_KAFKA_OFFSET_BEGINNING;
	/* Neither a revocation nor an assignment ends a pause. */
	rd_kafka_resume_partitions(in->rk, in->ours);
	error = in->ours->cnt ? rd_kafka_seek_partitions(in->rk, in->ours, KAFKA_ASK_MS) : NULL;
	failed = error != NULL;
	if (error)
		rd_kafka_error_destroy(error);
	for (int i = 0; i < in->ours->cnt; i++)
		failed = failed || in->ours->elems[i].err;
	return !failed;
}

/* A topic that was made anew, or has lost its end, may end before what is committed. Nothing of it is,
 * then: what was issued before is `already`, and what is pending may not be out. */
static int check_end(struct kafka_in *in, rd_kafka_topic_partition_t *p, struct fault *why)
{
	struct kafka_part *part = &in->part[p->partition];
	char line[512];
	int64_t low;

	if (p->offset <= part->end)
		return 0;
	if (kafka_watermarks(in->kafka, true, TOPIC_WINNERS, p->partition, &low, &part->end, why) <
	    0)
		return -1;
	if (p->offset <= part->end)
		return 0;
	snprintf(line, sizeof line,
		 "kafka '%.200s': partition %d of '%.140s' ends at %lld, before what is committed, "
		 "%lld: it is read from its beginning",
		 in->kafka->options.brokers, p->partition, p->topic, (long long)part->end,
		 (long long)p->offset);
	in->kafka->options.control->warn(line);
	p->offset = RD_KAFKA_OFFSET_INVALID;
	return 0;
}

static int keep_committed(struct kafka_in *in, struct fault *why)
{
	for (int i = 0; i < in->ours->cnt; i++) {
		rd_kafka_topic_partition_t *p = &in->ours->elems[i];

		if (kafka_in_grow(in, p->partition + 1, why) < 0 || check_end(in, p, why) < 0)
			return -1;
		in->part[p->partition].ours = true;
		in->part[p->partition].committed = p->offset >= 0 ? p->offset : -1;
		in->part[p->partition].next = -1;
	}
	return 0;
}

/* Offsets that are in an open transaction are told when that ends. An outsider is told those that are
 * committed for sure, unless nobody is told anything. */
static bool others_are_told(struct kafka_in *in)
{
	struct fault ignored;
	rd_kafka_t *rk = kafka_outsider(in->kafka, &ignored);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(in->ours);
	bool told = rk && !rd_kafka_committed(rk, list, KAFKA_ASK_MS);

	rd_kafka_topic_partition_list_destroy(list);
	return told;
}

/* Said once. */
static void say(struct kafka_in *in, const char *what)
{
	char line[512];

	if (in->said == what)
		return;
	in->said = what;
	snprintf(line, sizeof line, "kafka '%.200s': %s", in->kafka->options.brokers, what);
	in->kafka->options.control->warn(line);
}

/* 1, or -1 when it has lasted for too long: a dead writer's transaction is ended by then. */
static int held(struct kafka_in *in, struct fault *why)
{
	struct kafka *k = in->kafka;
	bool open = others_are_told(in);
	int64_t limit_ms = open ? k->transaction_ms + KAFKA_GRACE_MS : k->options.reconnect_ms;

	if (k->options.control->stopping())
		return 1;
	if (kafka_alive(k, in->rk, why) < 0)
		return -1;
	say(in, open ? "another issuer has left a transaction open: waiting for its end"
		     : "the group's coordinator does not answer: waiting for it");
	if (!in->held_since_ms)
		in->held_since_ms = clock_ms();
	if (clock_ms() - in->held_since_ms < limit_ms)
		return 1;
	if (!open)
		return kafka_unreachable(k, why);
	return fault_set(why, EX_TEMPFAIL,
			 "kafka '%s': another issuer has left a transaction open over '%s': run "
			 "again later",
			 k->options.brokers, k->topic[TOPIC_WINNERS]);
}

/* What the group has committed: 0, 1 where it cannot be told yet, -1. One question, for the group must
 * be polled. */
static int ask_committed(struct kafka_in *in, struct fault *why)
{
	rd_kafka_resp_err_t error = rd_kafka_committed(in->rk, in->ours, KAFKA_ASK_MS);

	if (error == RD_KAFKA_RESP_ERR__TIMED_OUT)
		return held(in, why);
	for (int i = 0; i < in->ours->cnt && !error; i++)
		error = in->ours->elems[i].err;
	in->held_since_ms = 0;
	in->said = NULL;
	if (!error)
		return 0;
	return kafka_in_trouble(in, error, rd_kafka_err2str(error), why) < 0 ? -1 : 1;
}

/* 0, 1 where it must be tried again, -1. Asking for what is committed comes first of all: offsets sent
 * with a transaction to a group that was never asked may hang. */
static int take_over(struct kafka_in *in, struct fault *why)
{
	int result = ask_committed(in, why);

	if (result != 0)
		return result;
	if (keep_committed(in, why) < 0 || tell_claim(in, why) < 0)
		return -1;
	if (seek(in))
		return 0;
	return lasts(in) ? kafka_unreachable(in->kafka, why) : 1; /* not started yet */
}

int kafka_in_claim(struct kafka_in *in, struct fault *why)
{
	int result;

	in->state = KAFKA_CLAIMING;
	result = take_over(in, why);
	in->state = result == 0 ? KAFKA_READING : KAFKA_ASSIGNED;
	if (result == 0)
		in->trouble_since_ms = 0;
	return result < 0 ? -1 : 0;
}

rd_kafka_resp_err_t kafka_in_ask(struct kafka_in *in, rd_kafka_topic_partition_list_t *list)
{
	rd_kafka_resp_err_t error = rd_kafka_committed(in->rk, list, KAFKA_ASK_MS);
	struct fault ignored;
	rd_kafka_t *rk =
		error == RD_KAFKA_RESP_ERR__TIMED_OUT ? kafka_outsider(in->kafka, &ignored) : NULL;

	return rk ? rd_kafka_committed(rk, list, KAFKA_ASK_MS) : error;
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

int kafka_in_join(struct kafka_in *in, struct fault *why)
{
	const char *prefix = in->kafka->options.prefix;
	char group[KAFKA_NAME_MAX];
	const struct kafka_setting settings[] = {
		{"group.id", group},
		{"group.instance.id", in->name},
		{"isolation.level", "read_committed"},
		{"enable.auto.commit", "false"},
		{"enable.auto.offset.store", "false"},
		{"enable.partition.eof", "true"},
		{"auto.offset.reset", "earliest"},
		{"allow.auto.create.topics", "false"},
		{0},
	};
	rd_kafka_topic_partition_list_t *topics;
	rd_kafka_conf_t *conf;
	rd_kafka_resp_err_t error;

	snprintf(group, sizeof group, "%sfcfs-issue", prefix);
	conf = kafka_conf(in->kafka, settings);
	rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
	in->rk = kafka_client(RD_KAFKA_CONSUMER, conf, why);
	if (!in->rk)
		return -1;
	rd_kafka_poll_set_consumer(in->rk);
	in->queue = rd_kafka_queue_get_consumer(in->rk);
	topics = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(topics, in->kafka->topic[TOPIC_WINNERS],
					  RD_KAFKA_PARTITION_UA);
	error = rd_kafka_subscribe(in->rk, topics);
	rd_kafka_topic_partition_list_destroy(topics);
	if (error)
		return fault_set(why, EX_SOFTWARE, "kafka: subscribe: %s", rd_kafka_err2str(error));
	return 0;
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
