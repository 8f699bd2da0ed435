#include "kafka_private.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SLICE_MS = 100, LINE_SIZE = 1024 };

static const char *const NAMES[TOPICS] = {
	[TOPIC_REQUESTS] = "event_requests",   [TOPIC_LOG] = "event_log",
	[TOPIC_WINNERS] = "gifticon_publish",  [TOPIC_ISSUED] = "gifticon_issued",
	[TOPIC_DEAD] = "gifticon_publish.dlq", [TOPIC_PROGRESS] = "fcfs_progress"};

/* What every client begins with; a person may say otherwise. */
static const struct kafka_setting COMMON[] = {
	{"client.id", "fcfs"},
	{"socket.nagle.disable", "true"},
	{"socket.keepalive.enable", "true"},
	{"socket.timeout.ms", "10000"},
	{"reconnect.backoff.max.ms", "1000"},
	{"retry.backoff.ms", "20"},
	{"topic.metadata.refresh.interval.ms", "10000"}, /* a new partition is seen after that */
	{"transaction.timeout.ms", "30000"},
	{"session.timeout.ms", "10000"},
	{"heartbeat.interval.ms", "1000"},
	{"fetch.wait.max.ms", "100"},
	{"compression.type", "lz4"},
	{"linger.ms", "5"}, /* a commit does not wait for it */
	{"message.max.bytes", "2000000"},
	{"queue.buffering.max.messages", "16000"},
	{"queue.buffering.max.kbytes", "16384"},
	{"queued.max.messages.kbytes", "8192"},
	{"queued.min.messages", "1000"}, /* and a batch of each partition; see kafka_wake */
	{"fetch.message.max.bytes", "32768"},
	{0},
};

/* The promises rest on these: nobody may say otherwise. */
static const char *const RESERVED[] = {"bootstrap.servers",
				       "metadata.broker.list",
				       "transactional.id",
				       "enable.idempotence",
				       "acks",
				       "request.required.acks",
				       "isolation.level",
				       "enable.auto.commit",
				       "auto.commit.enable",
				       "enable.auto.offset.store",
				       "enable.partition.eof",
				       "group.id",
				       "group.instance.id",
				       "auto.offset.reset",
				       "partitioner",
				       "partition.assignment.strategy",
				       "group.protocol",
				       NULL};

/* --- settings --------------------------------------------------------------------------------- */

static int set(rd_kafka_conf_t *conf, const char *name, const char *value, struct fault *why)
{
	char reason[256];

	if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) == RD_KAFKA_CONF_OK)
		return 0;
	return fault_set(why, EX_USAGE, "%s", reason);
}

/* NAME=VALUE from a person; blanks around both are not part of them. */
static int set_given(rd_kafka_conf_t *conf, const char *text, struct fault *why)
{
	char line[LINE_SIZE], *equals;

	if (snprintf(line, sizeof line, "%s", text) >= (int)sizeof line)
		return fault_set(why, EX_USAGE, "longer than %d bytes", LINE_SIZE - 1);
	equals = strchr(line, '=');
	if (!equals || equals == line)
		return fault_set(why, EX_USAGE, "expected NAME=VALUE");
	for (char *end = equals; end > line && strchr(" \t", end[-1]); end--)
		end[-1] = '\0';
	*equals++ = '\0';
	equals += strspn(equals, " \t");
	for (const char *const *name = RESERVED; *name; name++)
		if (strcmp(*name, line) == 0)
			return fault_set(why, EX_USAGE, "'%s' is set by fcfs itself", line);
	return set(conf, line, equals, why);
}

static int read_lines(FILE *file, const char *path, rd_kafka_conf_t *conf, struct fault *why)
{
	char line[LINE_SIZE + 2];
	struct fault bad;

	for (int number = 1; fgets(line, sizeof line, file); number++) {
		bool cut = strlen(line) == sizeof line - 1 && !strchr(line, '\n');
		char *text = line + strspn(line, " \t");
		size_t len = strcspn(text, "\r\n");

		while (len > 0 && strchr(" \t", text[len - 1]))
			len--;
		text[len] = '\0';
		if (cut)
			return fault_set(why, EX_CONFIG,
					 "properties file '%s' line %d: longer than %d bytes", path,
					 number, LINE_SIZE);
		if (*text && *text != '#' && set_given(conf, text, &bad) < 0)
			return fault_set(why, EX_CONFIG, "properties file '%s' line %d: %s", path,
					 number, bad.line);
	}
	return ferror(file) ? fault_errno(why, EX_CONFIG, "properties file '%s'", path) : 0;
}

static int read_file(rd_kafka_conf_t *conf, const char *path, struct fault *why)
{
	FILE *file;
	int result;

	if (!path || !*path)
		return 0;
	file = fopen(path, "re");
	if (!file)
		return fault_errno(why, EX_CONFIG, "properties file '%s'", path);
	result = read_lines(file, path, conf, why);
	fclose(file);
	return result;
}

static int read_properties(rd_kafka_conf_t *conf, const char *const *property, struct fault *why)
{
	struct fault bad;

	for (; property && *property; property++)
		if (set_given(conf, *property, &bad) < 0)
			return fault_set(why, EX_USAGE, "-X: %s", bad.line);
	return 0;
}

static int set_all(rd_kafka_conf_t *conf, const struct kafka_setting *setting, struct fault *why)
{
	for (; setting->name; setting++)
		if (set(conf, setting->name, setting->value, why) < 0)
			return -1;
	return 0;
}

static int get_ms(const rd_kafka_conf_t *conf, const char *name)
{
	char value[32] = "";
	size_t size = sizeof value;

	rd_kafka_conf_get(conf, name, value, &size);
	return (int)strtol(value, NULL, 10);
}

/* A client is refused that waits for an answer longer than its transaction may last. */
static int fit_socket_timeout(rd_kafka_conf_t *conf, struct fault *why)
{
	char value[32];

	if (get_ms(conf, "socket.timeout.ms") <= get_ms(conf, "transaction.timeout.ms"))
		return 0;
	snprintf(value, sizeof value, "%d", get_ms(conf, "transaction.timeout.ms"));
	return set(conf, "socket.timeout.ms", value, why);
}

static int open_stats(struct kafka *k, struct fault *why)
{
	const char *path = k->options.stats_file;

	if (!path)
		return 0;
	k->stats_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (k->stats_fd < 0)
		return fault_errno(why, EX_CONFIG, "statistics file '%s'", path);
	kafka_listen(k, k->conf);
	return get_ms(k->conf, "statistics.interval.ms")
		       ? 0
		       : set(k->conf, "statistics.interval.ms", "1000", why);
}

static int configure(struct kafka *k, struct fault *why)
{
	const struct kafka_options *o = &k->options;

	k->conf = rd_kafka_conf_new();
	kafka_listen(k, k->conf);
	if (set_all(k->conf, COMMON, why) < 0 || read_file(k->conf, o->properties_file, why) < 0 ||
	    read_properties(k->conf, o->property, why) < 0 ||
	    set(k->conf, "bootstrap.servers", o->brokers, why) < 0 ||
	    fit_socket_timeout(k->conf, why) < 0)
		return -1;
	k->transaction_ms = get_ms(k->conf, "transaction.timeout.ms");
	k->session_ms = get_ms(k->conf, "session.timeout.ms");
	return open_stats(k, why);
}

rd_kafka_conf_t *kafka_conf(struct kafka *k, const struct kafka_setting *setting)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_dup(k->conf);
	struct fault ignored;

	set_all(conf, setting, &ignored);
	return conf;
}

rd_kafka_t *kafka_client(rd_kafka_type_t type, rd_kafka_conf_t *conf, struct fault *why)
{
	char reason[256];
	rd_kafka_t *rk = rd_kafka_new(type, conf, reason, sizeof reason);

	if (rk)
		return rk;
	rd_kafka_conf_destroy(conf);
	fault_set(why, EX_CONFIG, "kafka client: %s", reason);
	return NULL;
}

/* --- the connection --------------------------------------------------------------------------- */

int kafka_unreachable(struct kafka *k, struct fault *why)
{
	char trouble[sizeof k->trouble];

	pthread_mutex_lock(&k->lock);
	memcpy(trouble, k->trouble, sizeof trouble);
	pthread_mutex_unlock(&k->lock);
	if (k->refused)
		return fault_set(why, EX_CONFIG, "kafka '%s' refuses us: %s", k->options.brokers,
				 trouble);
	return fault_set(why, EX_UNAVAILABLE,
			 "kafka '%s': %s: start it, or name another with -b or FCFS_BROKERS",
			 k->options.brokers, *trouble ? trouble : "no answer");
}

int kafka_stopped(struct kafka *k, struct fault *why)
{
	return fault_set(why, EX_TEMPFAIL, "kafka '%s': asked to stop: no answer",
			 k->options.brokers);
}

/* One request; true if a broker answered. */
static bool answers(struct kafka *k, rd_kafka_t *rk, int timeout_ms)
{
	const struct rd_kafka_metadata *metadata;

	if (rd_kafka_metadata(rk, 0, NULL, &metadata, timeout_ms))
		return false;
	rd_kafka_metadata_destroy(metadata);
	pthread_mutex_lock(&k->lock);
	k->down_since_ms = 0;
	*k->trouble = '\0';
	k->refused = false;
	pthread_mutex_unlock(&k->lock);
	return true;
}

/* A refused connection is known at once, a silent host when time is up. */
static int reach(struct kafka *k, struct fault *why)
{
	int64_t until_ms = clock_ms() + k->options.connect_timeout_ms;
	rd_kafka_t *rk = kafka_reader(k, true, why);

	if (!rk)
		return -1;
	while (!answers(k, rk, SLICE_MS)) {
		rd_kafka_poll(rk, 0);
		if (k->down_since_ms || k->refused || clock_ms() >= until_ms) {
			kafka_speak(k);
			return kafka_unreachable(k, why);
		}
	}
	kafka_speak(k);
	return 0;
}

int kafka_alive(struct kafka *k, rd_kafka_t *rk, struct fault *why)
{
	char line[512];
	int64_t since_ms;

	pthread_mutex_lock(&k->lock);
	since_ms = k->down_since_ms;
	pthread_mutex_unlock(&k->lock);
	kafka_speak(k);
	if (!since_ms || answers(k, rk, SLICE_MS)) {
		k->warned = false;
		return 0;
	}
	if (clock_ms() - since_ms >= k->options.reconnect_ms)
		return kafka_unreachable(k, why);
	if (!k->warned) {
		snprintf(line, sizeof line, "kafka '%.200s': %.200s: waiting for it",
			 k->options.brokers, k->trouble);
		k->options.control->warn(line);
		k->warned = true;
	}
	return 0;
}

const char *kafka_topic_word(enum topic topic)
{
	return NAMES[topic];
}

const char *kafka_topic(const struct kafka *k, enum topic topic)
{
	return k->topic[topic];
}

int kafka_open(const struct kafka_options *options, struct kafka **handle, struct fault *why)
{
	struct kafka *k = calloc(1, sizeof *k);

	*handle = NULL;
	if (!k)
		return fault_errno(why, EX_OSERR, "kafka");
	k->options = *options;
	k->stats_fd = -1;
	pthread_mutex_init(&k->lock, NULL);
	snprintf(k->group, sizeof k->group, "%sfcfs-issue", options->prefix);
	for (int t = 0; t < TOPICS; t++)
		snprintf(k->topic[t], sizeof k->topic[t], "%s%s", options->prefix, NAMES[t]);
	if (configure(k, why) == 0 && reach(k, why) == 0)
		return *handle = k, 0;
	kafka_close(k);
	return -1;
}

void kafka_close(struct kafka *k)
{
	if (!k)
		return;
	if (k->committed)
		rd_kafka_destroy(k->committed);
	if (k->uncommitted)
		rd_kafka_destroy(k->uncommitted);
	if (k->outsider)
		rd_kafka_destroy(k->outsider);
	if (k->conf)
		rd_kafka_conf_destroy(k->conf);
	kafka_speak(k);
	if (k->busy)
		return;
	if (k->stats_fd >= 0)
		close(k->stats_fd);
	pthread_mutex_destroy(&k->lock);
	free(k);
}
