/*
 * kafka_claim.c - where the partitions begin that are ours from now on: ASSIGNED to READING, as the diagram in
 * kafka_group.c has it.
 *
 * Each step may have to be tried again: 1, and the next take begins anew with the first.
 */
#include "kafka_private.h"

#include "clock.h"

#include <stdio.h>
#include <stdlib.h>

/* Tells who takes over what of each partition is committed, and what can never be. */
static int tell_claim(struct kafka_in *in, struct fault *why)
{
	struct span *span = calloc((size_t)in->ours->cnt + 1, sizeof *span);
	size_t count = 0;
	int result;

	if (!span)
		return fault_errno(why, EX_OSERR, "kafka");
	for (int i = 0; i < in->ours->cnt; i++) {
		const rd_kafka_topic_partition_t *p = &in->ours->elems[i];
		int64_t offset = p->offset > 0 ? p->offset : 0, cut = in->part[p->partition].cut;

		if (offset > 0 || cut > 0)
			span[count++] = (struct span){p->partition, offset, cut};
	}
	result = count && in->source.claim
			 ? in->source.claim(in->source.claim_self, span, count, why)
			 : 0;
	free(span);
	/* Who is asked to stop leaves it to the next. */
	if (result < 0 && why->status == EX_TEMPFAIL && in->kafka->options.control->stopping())
		return 1;
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

static void warn_of(struct kafka_in *in, const rd_kafka_topic_partition_t *p, const char *what)
{
	char line[640];

	snprintf(line, sizeof line, "kafka '%.200s': partition %d of '%.140s' %s",
		 in->kafka->options.brokers, p->partition, p->topic, what);
	in->kafka->options.control->warn(line);
}

/* A topic that was made anew, or has lost its end, may end before what is committed. Nothing of it is,
 * then: what was issued before is `already`, and what is pending may not be out. One that has lost its
 * beginning, as to retention, goes on there; an issuer that died may have assigned by what is cut. */
static int check_bounds(struct kafka_in *in, rd_kafka_topic_partition_t *p, struct fault *why)
{
	struct kafka_part *part = &in->part[p->partition];
	int64_t low, *end = &part->end, begin = p->offset > 0 ? p->offset : 0;
	char what[240];

	part->cut = 0;
	if (kafka_watermarks(in->kafka, true, TOPIC_WINNERS, p->partition, &low, end, why) < 0)
		return -1;
	if (p->offset > *end) {
		snprintf(what, sizeof what,
			 "ends at %lld, before what is committed, %lld: it is read from its "
			 "beginning",
			 (long long)*end, (long long)p->offset);
		warn_of(in, p, what);
		p->offset = RD_KAFKA_OFFSET_INVALID;
	} else if (begin < low) {
		snprintf(what, sizeof what,
			 "begins at %lld: up to %lld records before that were cut before they were "
			 "read: fcfs-report shows how many winners have no code",
			 (long long)low, (long long)(low - begin));
		warn_of(in, p, what);
		part->cut = low;
	}
	return 0;
}

static int keep_committed(struct kafka_in *in, struct fault *why)
{
	for (int i = 0; i < in->ours->cnt; i++) {
		rd_kafka_topic_partition_t *p = &in->ours->elems[i];
		struct kafka_part *part;

		if (kafka_in_grow(in, p->partition + 1, why) < 0 || check_bounds(in, p, why) < 0)
			return -1;
		part = &in->part[p->partition];
		part->ours = true;
		part->committed = part->listed = p->offset >= 0 ? p->offset : -1;
		part->next = -1;
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

/* A static member that comes back has what it had, whatever the topic has got meanwhile, and its client
 * knows no other topic: nobody would ever read the new partitions. Leaving makes the group share out
 * anew, once for so many partitions. Who has all of them need not ask the group, which takes 0.1 s. */
static int check_shares(struct kafka_in *in, struct fault *why)
{
	int32_t parts = kafka_partitions(in->kafka, TOPIC_WINNERS, why);
	rd_kafka_resp_err_t error;
	int64_t shared;

	if (parts < 0)
		return -1;
	if (in->ours->cnt >= parts || parts <= in->rejoined)
		return 0;
	error = kafka_in_shared(in, &shared);
	if (error)
		return kafka_in_trouble(in, error, rd_kafka_err2str(error), why) < 0 ? -1 : 1;
	if (shared >= parts)
		return 0;
	in->rejoined = parts;
	return kafka_in_rejoin(in, why) < 0 ? -1 : 1;
}

/* 0, 1 where it must be tried again, -1. Asking for what is committed comes first of all: offsets sent
 * with a transaction to a group that was never asked may hang. */
static int take_over(struct kafka_in *in, struct fault *why)
{
	int result = ask_committed(in, why);

	if (result == 0)
		result = check_shares(in, why);
	if (result != 0)
		return result;
	result = keep_committed(in, why);
	if (result == 0)
		result = tell_claim(in, why);
	if (result != 0 || in->state != KAFKA_CLAIMING)
		return result < 0 ? -1 : 1;
	if (seek(in))
		return 0;
	return kafka_in_lasts(in) ? kafka_unreachable(in->kafka, why) : 1; /* not started yet */
}

int kafka_in_claim(struct kafka_in *in, struct fault *why)
{
	int result;

	in->state = KAFKA_CLAIMING;
	result = take_over(in, why);
	if (in->state == KAFKA_CLAIMING)
		in->state = result == 0 ? KAFKA_READING : KAFKA_ASSIGNED;
	if (result == 0)
		in->trouble_since_ms = 0;
	return result < 0 ? -1 : 0;
}
