/*
 * kafka_commit.c - a commit: it goes on in a thread of its own, so that leases are kept, and the group
 * is, while it lasts.
 *
 * Offsets that go along carry a mark that no other commit has. Where a commit has no answer, or we were
 * fenced behind it, settle makes a new producer, which ends the transaction either way, and looks for
 * the mark: found, the chunk is COMMITTED, so its records are in this run's books (P7); not found, it
 * is UNDONE. Without offsets it is for the caller to find out, from the progress. What is left: a mark
 * that another member has written over by then, and a run that ends before it has found out: those
 * records are out, and marked done by whoever has the partition, but counted by no run.
 */
#include "kafka_private.h"

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Both calls may be repeated while the client says so. True when done. */
static bool call(struct kafka_out *out, bool offsets)
{
	int64_t until_ms = clock_ms() + out->kafka->transaction_ms;
	rd_kafka_error_t *error;

	do {
		error = offsets ? rd_kafka_send_offsets_to_transaction(out->rk, out->offsets,
								       out->member, KAFKA_CALL_MS)
				: rd_kafka_commit_transaction(out->rk, out->kafka->transaction_ms);
		if (!error)
			return true;
		out->remedy = kafka_sort_error(out->kafka, error, &out->fault);
	} while (out->remedy == REMEDY_AGAIN && clock_ms() < until_ms);
	if (out->remedy == REMEDY_AGAIN)
		out->remedy = REMEDY_RENEW;
	return false;
}

/* Right after a commit the coordinator answers "not yet", and offsets would be tried again only after
 * retry.backoff.ms, records at once: so the records go first. A flush sends what lingers, and is asked for a
 * millisecond at a time, as one for longer looks every 10 ms. Those of a transaction that has failed stay:
 * the calls that follow say so. */
static void wait_records_out(struct kafka_out *out)
{
	int64_t until_ms = clock_ms() + KAFKA_RECORDS_MS;

	while (rd_kafka_outq_len(out->rk) > 0 && clock_ms() < until_ms)
		rd_kafka_flush(out->rk, 1); /* errors and statistics not yet said count, too */
}

static void commit_job(void *self)
{
	struct kafka_out *out = self;

	wait_records_out(out);
	if (!out->offsets || call(out, true)) {
		out->ending = true;
		out->done = call(out, false);
	}
	out->committed_us = clock_now_us();
}

void kafka_out_release(struct kafka_out *out)
{
	if (out->offsets)
		rd_kafka_topic_partition_list_destroy(out->offsets);
	if (out->member)
		rd_kafka_consumer_group_metadata_destroy(out->member);
	out->offsets = NULL;
	out->member = NULL;
}

static void mark(struct kafka_out *out)
{
	snprintf(out->mark, sizeof out->mark, "%s %" PRId64, out->id, clock_now_us());
	for (int i = 0; i < out->offsets->cnt; i++) {
		out->offsets->elems[i].metadata = strdup(out->mark);
		out->offsets->elems[i].metadata_size = strlen(out->mark);
	}
}

int kafka_out_commit(struct sink *sink, size_t takes, struct fault *why)
{
	struct kafka_out *out = (struct kafka_out *)sink;
	bool lost = false;

	out->done = out->ending = false;
	rd_kafka_poll(out->rk, 0);
	if (out->in)
		out->offsets = kafka_taken(out->in, takes, &out->member, &lost);
	if (out->offsets)
		mark(out);
	if (out->offsets && kafka_out_begin(out, why) < 0)
		return -1;
	if (lost && !out->failed) {
		fault_set(&out->fault, EX_TEMPFAIL, "the group has shared out its partitions anew");
		kafka_out_spoilt(out, REMEDY_ABORT, why);
	}
	if (out->failed)
		return 0;
	out->done = !out->open;
	return out->open ? errand_begin(&out->commit, commit_job, out, why) : 0;
}

/* Once it is over, a commit can be settled without waiting. */
bool kafka_out_busy(struct sink *sink)
{
	struct kafka_out *out = (struct kafka_out *)sink;

	return out->commit.begun ? errand_busy(&out->commit) : kafka_out_rest_us(out) > 0;
}

/* Never for ever. */
static int wait_over(struct kafka_out *out, struct fault *why)
{
	int64_t until_ms = clock_ms() + out->kafka->transaction_ms + KAFKA_STUCK_MS;

	while (!errand_wait(&out->commit, KAFKA_TICK_MS)) {
		if (kafka_out_wait_a_little(out, why) < 0 ||
		    kafka_alive(out->kafka, out->rk, why) < 0)
			return -1;
		if (clock_ms() >= until_ms)
			return fault_set(why, EX_UNAVAILABLE,
					 "kafka '%s': a commit has no answer: run again",
					 out->kafka->options.brokers);
	}
	errand_settle(&out->commit);
	return 0;
}

/* The transaction has failed: for how long does it go on like that? */
static int failure(struct kafka_out *out, struct fault *why)
{
	char line[512];

	if (out->remedy == REMEDY_NONE) {
		*why = out->fault;
		return -1;
	}
	snprintf(line, sizeof line, "not committed, once more: %.400s", out->fault.line);
	out->kafka->options.control->note(line);
	if (!out->trouble_since_ms)
		out->trouble_since_ms = clock_ms();
	if (clock_ms() - out->trouble_since_ms < out->kafka->options.reconnect_ms)
		return out->remedy == REMEDY_FENCED ? FENCED : UNDONE;
	*why = out->fault;
	return -1;
}

static int find_out(struct kafka_out *out, struct fault *why)
{
	char line[512];
	int found;

	snprintf(line, sizeof line, "a commit has no answer, it is looked for: %.400s",
		 out->fault.line);
	out->kafka->options.control->note(line);
	if (kafka_out_renew(out, why) < 0)
		return -1;
	out->kafka->waits = &out->sink;
	found = kafka_find_mark(out->in, out->offsets, out->mark, why);
	out->kafka->waits = NULL;
	out->done = found > 0;
	return found;
}

static int not_done(struct kafka_out *out, struct fault *why)
{
	out->failed = true;
	out->unknown = out->unknown || out->remedy != REMEDY_ABORT;
	return out->unknown && out->ending && out->offsets ? find_out(out, why) : 0;
}

int kafka_out_settle(struct sink *sink, struct fault *why)
{
	struct kafka_out *out = (struct kafka_out *)sink;
	int result = 0;

	if (wait_over(out, why) < 0)
		return -1;
	kafka_speak(out->kafka);
	if (!out->done)
		result = not_done(out, why);
	if (out->done && out->offsets)
		kafka_committed(out->in, out->offsets);
	kafka_out_release(out);
	if (!out->done)
		return result < 0 ? -1 : failure(out, why);
	out->open = false;
	out->trouble_since_ms = 0;
	out->restarts = 0;
	return COMMITTED;
}
