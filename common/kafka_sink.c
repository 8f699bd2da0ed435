/*
 * kafka_sink.c - a transactional producer: the records of a transaction, and what happens between two.
 *
 *   clean --put, commit--> open --commit--> committing --settle--> clean     COMMITTED
 *     ^                      |                    |                          UNDONE, FENCED:
 *     +------- restart ------+--------------------+-- the brokers say no, or nothing, or another
 *                                                     has our transactional id
 *
 * A commit is kafka_commit.c's. Restart aborts; where it cannot be told what became of a commit, or we
 * were fenced, it makes a new producer, whose init_transactions ends what was open, either way, before
 * it returns.
 */
#include "kafka_private.h"

#include "clock.h"
#include "retry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { REST_US = 2000 };

int kafka_out_wait_a_little(struct kafka_out *out, struct fault *why)
{
	kafka_speak(out->kafka);
	return kafka_tell_waiting(&out->sink, why);
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

/* Who is asked to stop still has the time that one call may take: most are answered in that. */
static int64_t patience_ms(const struct kafka *k)
{
	bool hurried = k->options.control->stopping() && k->options.reconnect_ms > KAFKA_CALL_MS;

	return hurried ? KAFKA_CALL_MS : k->options.reconnect_ms;
}

/* Ends what a former producer of this id has left open, and fences it. The next call goes on where
 * one has timed out. */
static int init(struct kafka_out *out, struct fault *why)
{
	int64_t began_ms = clock_ms();
	rd_kafka_error_t *error;

	while ((error = rd_kafka_init_transactions(out->rk, KAFKA_TICK_MS)) != NULL) {
		bool timed_out = rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__TIMED_OUT;
		enum remedy remedy = kafka_sort_error(out->kafka, error, why);

		if (!timed_out && remedy != REMEDY_AGAIN)
			return -1;
		if (clock_ms() - began_ms >= patience_ms(out->kafka))
			return out->kafka->options.control->stopping()
				       ? kafka_stopped(out->kafka, why)
				       : -1;
		if (kafka_out_wait_a_little(out, why) < 0)
			return -1;
	}
	return 0;
}

int kafka_out_renew(struct kafka_out *out, struct fault *why)
{
	drop_producer(out);
	return make_producer(out, why) < 0 ? -1 : init(out, why);
}

/* The transaction takes no more records. -1 where a person must do something. */
int kafka_out_spoilt(struct kafka_out *out, enum remedy remedy, struct fault *why)
{
	out->failed = true;
	out->remedy = remedy;
	*why = out->fault;
	return remedy == REMEDY_NONE ? -1 : 0;
}

/* A coordinator that still finishes the last transaction puts the next one off by 20 ms: a short rest
 * is cheaper. A clock that was set meanwhile ends it. */
int64_t kafka_out_rest_us(const struct kafka_out *out)
{
	int64_t left_us = out->committed_us + REST_US - clock_now_us();

	return left_us > 0 && left_us <= REST_US ? left_us : 0;
}

int kafka_out_begin(struct kafka_out *out, struct fault *why)
{
	rd_kafka_error_t *error;

	if (out->open)
		return 0;
	clock_sleep_us(kafka_out_rest_us(out));
	error = rd_kafka_begin_transaction(out->rk);
	if (error) {
		out->unknown = true;
		return kafka_out_spoilt(out, kafka_sort_error(out->kafka, error, &out->fault), why);
	}
	out->open = true;
	return 0;
}

/* --- records ---------------------------------------------------------------------------------- */

static int kafka_put(struct sink *sink, const struct outgoing *o, struct fault *why)
{
	struct kafka_out *out = (struct kafka_out *)sink;
	int64_t full_since_ms = 0;
	rd_kafka_resp_err_t error;

	if (kafka_out_begin(out, why) < 0)
		return -1;
	while (!out->failed && (error = kafka_produce(out->kafka, out->rk, out->topic, o)) != 0) {
		if (error == RD_KAFKA_RESP_ERR__STATE) /* it has failed, and its commit says why */
			return 0;
		if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
			out->unknown = rd_kafka_fatal_error(out->rk, NULL, 0);
			return kafka_out_spoilt(
				out,
				kafka_sort(out->kafka, error, rd_kafka_err2str(error), &out->fault),
				why);
		}
		if (!full_since_ms)
			full_since_ms = clock_ms();
		rd_kafka_poll(out->rk, KAFKA_FULL_MS);
		if (kafka_out_wait_a_little(out, why) < 0)
			return -1;
		if (clock_ms() - full_since_ms >= out->kafka->options.reconnect_ms)
			return kafka_unreachable(out->kafka, why);
	}
	return 0;
}

/* Who failed together does not come back together. */
static void back_off(struct kafka_out *out)
{
	const struct retry retry = {.max_ms = KAFKA_RESTART_MS};

	clock_sleep_ms(retry_delay_ms(&retry, ++out->restarts));
}

static int kafka_restart(struct sink *sink, struct fault *why)
{
	struct kafka_out *out = (struct kafka_out *)sink;
	rd_kafka_error_t *error = NULL;

	back_off(out);
	if (!out->unknown && out->open)
		error = rd_kafka_abort_transaction(out->rk, KAFKA_CALL_MS);
	if (error)
		kafka_sort_error(out->kafka, error, why);
	if (error || out->unknown)
		return kafka_out_renew(out, why);
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

	if (errand_busy(&out->commit)) {
		out->kafka->busy = true;
		return;
	}
	errand_end(&out->commit);
	if (out->open && !out->unknown)
		error = rd_kafka_abort_transaction(out->rk, KAFKA_ASK_MS);
	if (error)
		rd_kafka_error_destroy(error);
	kafka_out_release(out);
	drop_producer(out);
	free(out);
}

int kafka_sink_open(struct kafka *k, const char *transactional_id, struct kafka_in *in,
		    const struct bus *bus, struct sink **sink, struct fault *why)
{
	struct kafka_out *out = calloc(1, sizeof *out);

	*sink = NULL;
	if (!out)
		return fault_errno(why, EX_OSERR, "kafka");
	out->kafka = k;
	out->in = in;
	snprintf(out->id, sizeof out->id, "%s%s", k->options.prefix, transactional_id);
	out->sink = (struct sink){.put = kafka_put,
				  .commit = kafka_out_commit,
				  .settle = kafka_out_settle,
				  .busy = kafka_out_busy,
				  .restart = kafka_restart,
				  .progress = kafka_sink_progress,
				  .check = kafka_check,
				  .close = kafka_out_close,
				  .waiting = bus ? bus->waiting : NULL,
				  .waiting_self = bus ? bus->waiting_self : NULL};
	if (in)
		in->sink = &out->sink;
	if (kafka_out_renew(out, why) == 0)
		return *sink = &out->sink, 0;
	kafka_out_close(&out->sink);
	return -1;
}
