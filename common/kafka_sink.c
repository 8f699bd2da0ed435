/*
 * kafka_sink.c - a transactional producer.
 *
 *   clean --put, commit--> open --commit--> committing --settle--> clean     COMMITTED
 *     ^                      |                    |                          UNDONE, FENCED:
 *     +------- restart ------+--------------------+-- the brokers say no, or nothing, or another
 *                                                     has our transactional id
 *
 * A commit goes on in a thread of its own, so that leases are kept, and the group is, while it
 * lasts. Restart aborts; where it cannot be told what became of a commit, or we were fenced, it
 * makes a new producer, whose init_transactions ends what was open, either way, before it returns.
 */
#include "kafka_private.h"

#include "clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LOOK_US = 200, REST_US = 2000 };

struct kafka_out {
	struct sink sink;
	struct kafka *kafka;
	struct kafka_in *in; /* NULL: no offsets go along */
	char id[KAFKA_NAME_MAX];
	rd_kafka_t *rk;
	rd_kafka_topic_t *topic[TOPICS];
	bool open;    /* a transaction is */
	bool failed;  /* it takes no more records: it can only be aborted */
	bool unknown; /* what became of it: this producer is of no more use */
	int64_t trouble_since_ms;
	int64_t committed_us; /* when the last commit was answered */
	/* the commit under way */
	pthread_t thread;
	bool committing;
	rd_kafka_topic_partition_list_t *offsets;
	rd_kafka_consumer_group_metadata_t *member;
	bool done;
	enum kafka_remedy remedy; /* unless done */
	struct fault fault;
};

static int wait_a_little(struct kafka_out *out, struct fault *why)
{
	kafka_speak(out->kafka);
	return out->sink.waiting ? out->sink.waiting(out->sink.waiting_self, why) : 0;
}

/* --- the producer ----------------------------------------------------------------------------- */

static void drop_producer(struct kafka_out *out)
{
	for (int t = 0; t < TOPICS; t++) {
		if (out->topic[t])
			rd_kafka_topic_destroy(out->topic[t]);
		out->topic[t] = NULL;
	}
	if (out->rk)
		rd_kafka_destroy(out->rk);
	out->rk = NULL;
	out->open = out->failed = out->unknown = false;
}

static int make_producer(struct kafka_out *out, struct fault *why)
{
	const struct kafka_setting settings[] = {
		{"transactional.id", out->id},
		{"enable.idempotence", "true"},
		{"acks", "all"},
		{"partitioner", "murmur2_random"},
		{0},
	};

	out->rk = kafka_client(RD_KAFKA_PRODUCER, kafka_conf(out->kafka, settings), why);
	if (!out->rk)
		return -1;
	/* Known before init_transactions: else the first commit takes a second longer. */
	for (int t = 0; t < TOPICS; t++)
		out->topic[t] = rd_kafka_topic_new(out->rk, out->kafka->topic[t], NULL);
	return 0;
}

/* Ends what a former producer of this id has left open, and fences it. */
static int init(struct kafka_out *out, struct fault *why)
{
	int64_t until_ms = clock_ms() + out->kafka->options.reconnect_ms;
	rd_kafka_error_t *error;

	while ((error = rd_kafka_init_transactions(out->rk, KAFKA_CALL_MS)) != NULL) {
		bool timed_out = rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__TIMED_OUT;
		enum kafka_remedy remedy = kafka_sort_error(out->kafka, error, why);

		if ((!timed_out && remedy != KAFKA_AGAIN) || clock_ms() >= until_ms ||
		    out->kafka->options.control->stopping())
			return -1;
		if (wait_a_little(out, why) < 0)
			return -1;
	}
	return 0;
}

static int renew(struct kafka_out *out, struct fault *why)
{
	drop_producer(out);
	return make_producer(out, why) < 0 ? -1 : init(out, why);
}

/* The transaction takes no more records. -1 where a person must do something. */
static int spoilt(struct kafka_out *out, enum kafka_remedy remedy, struct fault *why)
{
	out->failed = true;
	out->remedy = remedy;
	*why = out->fault;
	return remedy == KAFKA_GIVE_UP ? -1 : 0;
}

/* A coordinator that still finishes the last transaction puts the next one off by 20 ms: a short rest
 * is cheaper. */
static void rest(const struct kafka_out *out)
{
	int64_t left_us = out->committed_us + REST_US - clock_now_us();
	struct timespec pause = {.tv_nsec = left_us * 1000};

	if (left_us > 0 && left_us <= REST_US)
		nanosleep(&pause, NULL);
}

static int begin(struct kafka_out *out, struct fault *why)
{
	rd_kafka_error_t *error;

	if (out->open)
		return 0;
	rest(out);
	error = rd_kafka_begin_transaction(out->rk);
	if (error) {
		out->unknown = true;
		return spoilt(out, kafka_sort_error(out->kafka, error, &out->fault), why);
	}
	out->open = true;
	return 0;
}

/* --- records ---------------------------------------------------------------------------------- */

static int kafka_put(struct sink *sink, const struct outgoing *o, struct fault *why)
{
	struct kafka_out *out = (struct kafka_out *)sink;
	int64_t until_ms = clock_ms() + out->kafka->options.reconnect_ms;
	rd_kafka_resp_err_t error;

	if (begin(out, why) < 0)
		return -1;
	while (!out->failed && (error = kafka_produce(out->kafka, out->rk, out->topic, o)) != 0) {
		if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
			out->unknown = rd_kafka_fatal_error(out->rk, NULL, 0);
			return spoilt(
				out,
				kafka_sort(out->kafka, error, rd_kafka_err2str(error), &out->fault),
				why);
		}
		rd_kafka_poll(out->rk, KAFKA_FULL_MS);
		if (wait_a_little(out, why) < 0)
			return -1;
		if (clock_ms() >= until_ms)
			return kafka_unreachable(out->kafka, why);
	}
	return 0;
}

/* --- commit ----------------------------------------------------------------------------------- */

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
	} while (out->remedy == KAFKA_AGAIN && clock_ms() < until_ms);
	if (out->remedy == KAFKA_AGAIN)
		out->remedy = KAFKA_RENEW;
	return false;
}

/* Right after a commit the coordinator answers "not yet", and offsets would be tried again only after
 * retry.backoff.ms, records at once: so the records go first. (rd_kafka_flush looks every 10 ms.)
 * Those of a transaction that has failed stay: the calls that follow say so. */
static void wait_records_out(struct kafka_out *out)
{
	const struct timespec pause = {.tv_nsec = LOOK_US * 1000L};
	int64_t until_ms = clock_ms() + KAFKA_RECORDS_MS;

	for (; rd_kafka_outq_len(out->rk) > 0 && clock_ms() < until_ms; nanosleep(&pause, NULL))
		rd_kafka_poll(out->rk, 0); /* errors and statistics not yet said count, too */
}

static void *commit_job(void *self)
{
	struct kafka_out *out = self;

	wait_records_out(out);
	out->done = (!out->offsets || call(out, true)) && call(out, false);
	out->committed_us = clock_now_us();
	return NULL;
}

static void release_offsets(struct kafka_out *out)
{
	if (out->offsets)
		rd_kafka_topic_partition_list_destroy(out->offsets);
	if (out->member)
		rd_kafka_consumer_group_metadata_destroy(out->member);
	out->offsets = NULL;
	out->member = NULL;
}

static int kafka_commit(struct sink *sink, struct fault *why)
{
	struct kafka_out *out = (struct kafka_out *)sink;
	bool lost = false;

	out->done = false;
	rd_kafka_poll(out->rk, 0);
	if (out->in)
		out->offsets = kafka_taken(out->in, &out->member, &lost);
	if (out->offsets && begin(out, why) < 0)
		return -1;
	if (lost && !out->failed) {
		fault_set(&out->fault, EX_TEMPFAIL, "the group has shared out its partitions anew");
		spoilt(out, KAFKA_ABORT, why);
	}
	if (out->failed)
		return 0;
	out->done = !out->open;
	if (!out->open)
		return 0;
	if (pthread_create(&out->thread, NULL, commit_job, out) != 0)
		return fault_errno(why, EX_OSERR, "a thread for the commit");
	out->committing = true;
	return 0;
}

/* Waits for the thread, never for ever. */
static int join(struct kafka_out *out, struct fault *why)
{
	int64_t until_ms = clock_ms() + out->kafka->transaction_ms + KAFKA_STUCK_MS;
	struct timespec at;

	for (;;) {
		clock_gettime(CLOCK_REALTIME, &at);
		at.tv_nsec += KAFKA_TICK_MS * 1000000L;
		at.tv_sec += at.tv_nsec / 1000000000L;
		at.tv_nsec %= 1000000000L;
		if (pthread_timedjoin_np(out->thread, NULL, &at) == 0)
			break;
		if (wait_a_little(out, why) < 0 || kafka_alive(out->kafka, out->rk, why) < 0)
			return -1;
		if (clock_ms() >= until_ms)
			return fault_set(why, EX_UNAVAILABLE,
					 "kafka '%s': a commit has no answer: run again",
					 out->kafka->options.brokers);
	}
	out->committing = false;
	return 0;
}

/* The transaction has failed: for how long does it go on like that? */
static int failure(struct kafka_out *out, struct fault *why)
{
	char line[512];

	if (out->remedy == KAFKA_GIVE_UP) {
		*why = out->fault;
		return -1;
	}
	snprintf(line, sizeof line, "not committed, once more: %.400s", out->fault.line);
	out->kafka->options.control->note(line);
	if (!out->trouble_since_ms)
		out->trouble_since_ms = clock_ms();
	if (clock_ms() - out->trouble_since_ms < out->kafka->options.reconnect_ms)
		return out->remedy == KAFKA_FENCED ? FENCED : UNDONE;
	*why = out->fault;
	return -1;
}

static int kafka_settle(struct sink *sink, struct fault *why)
{
	struct kafka_out *out = (struct kafka_out *)sink;

	if (out->committing && join(out, why) < 0)
		return -1;
	kafka_speak(out->kafka);
	if (out->done) {
		if (out->offsets)
			kafka_committed(out->in, out->offsets);
		out->open = false;
		out->trouble_since_ms = 0;
		release_offsets(out);
		return COMMITTED;
	}
	release_offsets(out);
	out->failed = true;
	out->unknown = out->unknown || out->remedy != KAFKA_ABORT;
	return failure(out, why);
}

static int kafka_restart(struct sink *sink, struct fault *why)
{
	struct kafka_out *out = (struct kafka_out *)sink;
	const struct timespec pause = {.tv_nsec = KAFKA_RESTART_MS * 1000000L};
	rd_kafka_error_t *error = NULL;

	nanosleep(&pause, NULL);
	if (!out->unknown && out->open)
		error = rd_kafka_abort_transaction(out->rk, KAFKA_CALL_MS);
	if (error)
		kafka_sort_error(out->kafka, error, why);
	if (error || out->unknown)
		return renew(out, why);
	out->open = out->failed = false;
	return 0;
}

/* --- opening and closing ---------------------------------------------------------------------- */

static int kafka_sink_progress(struct sink *sink, const char *event_id, struct progress *progress,
			       struct fault *why)
{
	struct kafka_out *out = (struct kafka_out *)sink;

	return kafka_progress(out->kafka, event_id, sink, progress, why);
}

static int kafka_check(struct sink *sink, struct fault *why)
{
	struct kafka_out *out = (struct kafka_out *)sink;

	rd_kafka_poll(out->rk, 0);
	return kafka_alive(out->kafka, out->rk, why);
}

/* A thread that does not come back keeps what it works on. */
static void kafka_out_close(struct sink *sink)
{
	struct kafka_out *out = (struct kafka_out *)sink;
	rd_kafka_error_t *error = NULL;

	out->kafka->busy = out->kafka->busy || out->committing;
	if (out->committing)
		return;
	if (out->open && !out->unknown)
		error = rd_kafka_abort_transaction(out->rk, 1000);
	if (error)
		rd_kafka_error_destroy(error);
	release_offsets(out);
	drop_producer(out);
	free(out);
}

int kafka_sink_open(struct kafka *k, const char *transactional_id, struct kafka_in *in,
		    struct sink **sink, struct fault *why)
{
	struct kafka_out *out = calloc(1, sizeof *out);

	*sink = NULL;
	if (!out)
		return fault_errno(why, EX_OSERR, "kafka");
	out->kafka = k;
	out->in = in;
	snprintf(out->id, sizeof out->id, "%s%s", k->options.prefix, transactional_id);
	out->sink = (struct sink){.put = kafka_put,
				  .commit = kafka_commit,
				  .settle = kafka_settle,
				  .restart = kafka_restart,
				  .progress = kafka_sink_progress,
				  .check = kafka_check,
				  .close = kafka_out_close};
	if (renew(out, why) == 0)
		return *sink = &out->sink, 0;
	kafka_out_close(&out->sink);
	return -1;
}
