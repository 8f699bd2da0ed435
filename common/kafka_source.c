/*
 * kafka_source.c - the issuers' source of winners: kept a member while others work, and its end.
 */
#include "kafka_private.h"

#include "clock.h"

#include <stdio.h>
#include <stdlib.h>

static bool kafka_idle(struct source *source)
{
	struct kafka_in *in = (struct kafka_in *)source;

	return rd_kafka_queue_length(in->queue) == 0;
}

/* What comes while the partitions are claimed is read again: they are sought then. A paused partition
 * gives out no record; if one did, it would have to be read again, as all that was taken. */
static int kafka_tend(struct source *source, struct fault *why)
{
	struct kafka_in *in = (struct kafka_in *)source;
	rd_kafka_message_t *message;
	int result;

	if (clock_ms() - in->polled_ms < KAFKA_TEND_MS)
		return 0;
	if (in->state == KAFKA_READING) {
		rd_kafka_pause_partitions(in->rk, in->ours);
		in->state = KAFKA_PAUSED;
	}
	message = kafka_in_poll(in, 0, &result, why);
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

static int kafka_rewind(struct source *source, struct fault *why)
{
	struct kafka_in *in = (struct kafka_in *)source;

	(void)why;
	kafka_drop_taken(in);
	if (in->state >= KAFKA_READING)
		in->state = KAFKA_ASSIGNED;
	return 0;
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

bool kafka_may_have_ended(const struct kafka_in *in)
{
	if (in->follow || in->state == KAFKA_ASSIGNED || kafka_to_commit(in))
		return false;
	for (int32_t p = 0; p < in->parts; p++)
		if (in->part[p].ours && !drained(&in->part[p], in->part[p].committed))
			return false;
	return clock_ms() - in->asked_ms >= KAFKA_OTHERS_MS;
}

static int kafka_ended(struct source *source, struct fault *why)
{
	struct kafka_in *in = (struct kafka_in *)source;
	int64_t now_ms = clock_ms();
	bool all = false;

	if (!kafka_may_have_ended(in))
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

	kafka_drop_taken(in);
	kafka_in_leave(in);
	in->kafka->in = NULL;
	for (int t = 0; t < KAFKA_TAKES; t++)
		free(in->take[t].message);
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
	in->source = (struct source){.takes = KAFKA_TAKES,
				     .take = kafka_take,
				     .ended = kafka_ended,
				     .idle = kafka_idle,
				     .tend = kafka_tend,
				     .lost = kafka_lost,
				     .rewind = kafka_rewind,
				     .close = kafka_in_close,
				     .buried = kafka_buried,
				     .rebuilt = kafka_rebuilt,
				     .reach = kafka_reach};
	k->in = in;
	snprintf(in->name, sizeof in->name, "%sfcfs-issue-%s", k->options.prefix, instance);
	if (kafka_in_join(in, why) == 0 && read_ends(in, why) == 0) /* while the group decides */
		return *opened = in, 0;
	kafka_in_close(&in->source);
	return -1;
}
