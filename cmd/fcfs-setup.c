#include "acl.h"
#include "kafka_topics.h"
#include "parse.h"
#include "preflight.h"
#include "ui.h"
#include "ui_kafka.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PARTITIONS = 1000, REPLICATION, RETENTION, DRY_RUN };
enum { PARTITIONS_MAX = 10000, REPLICATION_MAX = 100, RETENTION_MIN_MS = 3600 * 1000 };

static const struct ui_option OPTIONS[] = {
	{"partitions", PARTITIONS, "N", "spread people over N partitions (6, or those there)"},
	{"replication", REPLICATION, "N", "keep N copies (3, or as many as there are brokers)"},
	{"retention", RETENTION, "D", "keep records so long at least (90d)"},
	{"dry-run", DRY_RUN, NULL, "change no topic, say what would be done"},
	{"force", UI_FORCE, NULL, "accept a server that may evict"},
	{0},
};

struct request {
	struct topic_wish wish;
	bool dry_run, given; /* given: something that goes with kafka */
};

static int take(void *self, int letter, const char *value, struct fault *why)
{
	struct request *r = self;
	int64_t number = 0;

	r->given = true;
	switch (letter) {
	case PARTITIONS:
		if (parse_count("--partitions", value, 1, PARTITIONS_MAX, &number, why) < 0)
			return -1;
		r->wish.partitions = (int32_t)number;
		return 0;
	case REPLICATION:
		if (parse_count("--replication", value, 1, REPLICATION_MAX, &number, why) < 0)
			return -1;
		r->wish.replication = (int32_t)number;
		return 0;
	case RETENTION:
		if (parse_duration("--retention", value, &r->wish.retention_ms, why) < 0)
			return -1;
		return r->wish.retention_ms >= RETENTION_MIN_MS
			       ? 0
			       : fault_set(why, EX_USAGE, "--retention '%s': at least 1h", value);
	default:
		r->dry_run = true;
		return 0;
	}
}

static const struct ui_tool TOOL = {
	.name = "fcfs-setup",
	.synopsis = "[--force] redis\n"
		    "[--partitions N] [--replication N] [--retention D] [--dry-run] kafka\n"
		    "acl",
	.about = "Makes Redis or Kafka ready, or prints the access rules of each role.",
	.options = OPTIONS,
	.kafka = true,
	.take = take,
};

static int prepare(struct redis *redis, struct fault *why)
{
	static const char *const DONE[] = {[LIBRARY_CURRENT] = "are there",
					   [LIBRARY_LOADED] = "loaded",
					   [LIBRARY_REPLACED] = "replaced older ones"};
	enum library_state state;
	char detail[96];
	int server = preflight_server(redis, why);

	if (server != 0)
		return server;
	if (redis_library(redis, &state, why) < 0)
		return -1;
	snprintf(detail, sizeof detail, "version %" PRId64 " %s", library_version, DONE[state]);
	preflight_line("ok", "functions", detail);
	return 0;
}

/* Returns what the status must be because of it. */
static int show_topic(const struct topic_finding *found, bool dry_run)
{
	if (found->stuck)
		preflight_line("differs", found->name, found->detail);
	else if (found->missing)
		preflight_line(dry_run ? "create" : "created", found->name, found->detail);
	else if (found->differs)
		preflight_line(dry_run ? "repair" : "repaired", found->name, found->detail);
	else
		preflight_line("ok", found->name, found->detail);
	if (found->stuck)
		return EX_CONFIG;
	return dry_run && (found->missing || found->differs) ? STATUS_NO : STATUS_YES;
}

static int prepare_topics(const struct request *r, struct fault *why)
{
	struct topic_finding found[TOPICS];
	struct kafka *kafka;
	int result;

	if (!*ui.config.brokers)
		ui_misuse("kafka needs -b or FCFS_BROKERS");
	kafka = ui_kafka(NULL, why);
	if (!kafka)
		return -1;
	result = kafka_topics(kafka, &r->wish, !r->dry_run, found, why);
	for (int t = 0; t < TOPICS && result >= 0; t++) {
		int status = show_topic(&found[t], r->dry_run);

		result = status > result ? status : result;
	}
	kafka_close(kafka);
	return result;
}

static int run(const struct request *r, char **operands, struct fault *why)
{
	struct redis *redis;
	int result;

	if (!operands[0] || operands[1])
		ui_misuse("say redis, kafka or acl");
	if (strcmp(operands[0], "kafka") == 0)
		return prepare_topics(r, why);
	if (r->given)
		ui_misuse("--partitions, --replication, --retention and --dry-run go with kafka");
	if (strcmp(operands[0], "acl") == 0)
		return acl_print(ui.config.prefix);
	if (strcmp(operands[0], "redis") != 0)
		ui_misuse("say redis, kafka or acl");
	redis = ui_connect(why);
	if (!redis)
		return -1;
	result = prepare(redis, why);
	redis_close(redis);
	return result;
}

int main(int argc, char **argv)
{
	struct request request = {0};
	struct fault why;
	char **operands = ui_start(&TOOL, argc, argv, &request);

	return ui_finish(run(&request, operands, &why), &why);
}
