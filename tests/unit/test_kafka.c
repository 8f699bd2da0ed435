/* Errors of the brokers, injected by librdkafka's mock cluster: which are tried again, which abort,
 * which need a new producer, which a person. What works at all is shown on real brokers. */
#include "tap.h"

#include "kafka_private.h"

#include <librdkafka/rdkafka_mock.h>

enum { ADD_PARTITIONS = 24, ADD_OFFSETS = 25, END_TXN = 26, PRODUCE = 0, INIT_PID = 22 };

static bool stopping(void)
{
	return false;
}

static void say_nothing(const char *line)
{
	(void)line;
}

static void count_nothing(int64_t done)
{
	(void)done;
}

static const struct control CONTROL = {
	.stopping = stopping,
	.stop_fd = -1,
	.complain = say_nothing,
	.warn = say_nothing,
	.note = say_nothing,
	.progress = count_nothing,
};

static rd_kafka_t *owner;
static rd_kafka_mock_cluster_t *cluster;
static struct kafka *kafka;
static struct sink *sink;

static void start(void)
{
	static const char *const NAMES[] = {"event_requests",	    "event_log",
					    "gifticon_publish",	    "gifticon_issued",
					    "gifticon_publish.dlq", "fcfs_progress"};
	static struct kafka_options options = {.prefix = "",
					       .connect_timeout_ms = 5000,
					       .reconnect_ms = 10000,
					       .control = &CONTROL};
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	struct bus *bus = NULL;
	struct fault why;

	rd_kafka_conf_set(conf, "log_level", "0", NULL, 0); /* it has no brokers yet, and says so */
	owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
	cluster = rd_kafka_mock_cluster_new(owner, 1);
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
		rd_kafka_mock_topic_create(cluster, NAMES[i], 1, 1);
	options.brokers = rd_kafka_mock_cluster_bootstraps(cluster);
	ok(kafka_open(&options, &kafka, &why) == 0 && kafka_bus(kafka, &bus, &why) == 0 &&
		   bus->open(bus, "an-event", &sink, &why) == 0,
	   "a producer on the mock's brokers");
	if (bus)
		bus->close(bus);
}

static void inject(int16_t api, size_t count, rd_kafka_resp_err_t error)
{
	rd_kafka_mock_clear_request_errors(cluster, api);
	while (count-- > 0)
		rd_kafka_mock_push_request_errors(cluster, api, 1, error);
}

/* One record, one commit: the outcome, or -1. */
static int attempt(struct fault *why)
{
	const struct outgoing record = {
		.topic = TOPIC_WINNERS, .event = "e", .key = "p", .bytes = "{}", .len = 2};

	if (sink->put(sink, &record, why) < 0 || sink->commit(sink, 0, why) < 0)
		return -1;
	return sink->settle(sink, why);
}

/* Whatever went wrong, after a restart or two the next one is committed. */
static void goes_on(const char *name)
{
	struct fault why = {0};
	int outcome = UNDONE;

	for (int i = 0; i < 3 && outcome != COMMITTED; i++)
		outcome = sink->restart(sink, &why) == 0 ? attempt(&why) : -1;
	is_int(outcome, COMMITTED, name);
}

static void passing(void)
{
	struct fault why = {0};

	is_int(attempt(&why), COMMITTED, "nothing is wrong: committed");
	inject(END_TXN, 2, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
	is_int(attempt(&why), COMMITTED, "a coordinator that loads is asked again");
	inject(ADD_PARTITIONS, 2, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS);
	is_int(attempt(&why), COMMITTED, "one that still ends the last transaction, too");
	inject(PRODUCE, 2, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
	is_int(attempt(&why), COMMITTED, "a leader that moved is looked for");
}

static void undone(void)
{
	struct fault why = {0};

	inject(PRODUCE, 1, RD_KAFKA_RESP_ERR_INVALID_RECORD);
	is_int(attempt(&why), UNDONE, "a record that is refused undoes the transaction");
	goes_on("which is aborted, and the next is committed");
	inject(ADD_PARTITIONS, 1, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE);
	ok(attempt(&why) != COMMITTED, "a transaction in a state it cannot be in");
	goes_on("a new producer goes on");
}

/* What the pause before the next try grows with. */
static void pauses(void)
{
	const struct kafka_out *out = (struct kafka_out *)sink;
	struct fault why = {0};

	for (int i = 1; i <= 2; i++) {
		inject(PRODUCE, 1, RD_KAFKA_RESP_ERR_INVALID_RECORD);
		ok(attempt(&why) == UNDONE && sink->restart(sink, &why) == 0, "undone again");
		is_int(out->restarts, i, "counted");
	}
	goes_on("committed at last");
	is_int(out->restarts, 0, "the next trouble begins anew");
}

static void fenced(void)
{
	struct fault why = {0};

	inject(END_TXN, 1, RD_KAFKA_RESP_ERR_PRODUCER_FENCED);
	is_int(attempt(&why), FENCED, "another producer of this id: fenced");
	goes_on("a new producer fences it in turn, if its owner may");
	inject(ADD_PARTITIONS, 1, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
	is_int(attempt(&why), FENCED, "an old epoch is the same");
	goes_on("and goes on the same");
}

static void given_up(void)
{
	struct fault why = {0};

	inject(ADD_PARTITIONS, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	ok(attempt(&why) < 0, "no right to the topic: no use to try again");
	is_int(why.status, EX_CONFIG, "a person must do something");
	goes_on("it goes on when that is done");
}

static void sorted(void)
{
	static const struct {
		rd_kafka_resp_err_t code;
		enum remedy remedy;
		int status;
		const char *name;
	} CASES[] = {
		{RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, REMEDY_ABORT, EX_TEMPFAIL,
		 "a generation that has passed aborts"},
		{RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, REMEDY_ABORT, EX_TEMPFAIL,
		 "a member's former self aborts"},
		{RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, REMEDY_NONE, EX_CONFIG,
		 "a topic that is missing is a person's to create"},
		{RD_KAFKA_RESP_ERR__TIMED_OUT, REMEDY_RENEW, EX_UNAVAILABLE,
		 "no answer: nobody can tell, a new producer"},
	};
	struct fault why;

	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		enum remedy remedy = kafka_sort(kafka, CASES[i].code, "text", &why);

		ok(remedy == CASES[i].remedy && why.status == CASES[i].status, CASES[i].name);
	}
}

int main(void)
{
	start();
	passing();
	undone();
	pauses();
	fenced();
	given_up();
	sorted();
	sink->close(sink);
	kafka_close(kafka);
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(owner);
	return done_testing();
}
