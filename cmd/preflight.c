#include "preflight.h"

#include "clock.h"
#include "event.h"
#include "kafka_topics.h"
#include "server.h"
#include "table.h"
#include "ui.h"
#include "ui_kafka.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CLOCK_TOLERANCE_MS = 1000 };

void preflight_line(const char *verdict, const char *what, const char *detail)
{
	struct buffer line = {0};

	if (ui.json) {
		json_begin(&line);
		json_cstring(&line, "verdict", verdict);
		json_cstring(&line, "what", what);
		json_cstring(&line, "detail", detail);
		json_end(&line);
		printf("%.*s\n", (int)line.len, line.bytes);
		buffer_release(&line);
	} else if (isatty(STDOUT_FILENO)) {
		printf("%-8s %-20s %s\n", verdict, what, detail);
	} else {
		printf("%s\t%s\t%s\n", verdict, what, detail);
	}
}

static int check_replicas(const struct server *server, const struct replicas *r)
{
	const int64_t wanted = ui.config.wait.replicas;
	char detail[512], state[128];
	bool refused = r->online < server->replicas_to_write;

	snprintf(state, sizeof state,
		 "%" PRId64 " in step, at most %" PRId64 " bytes and %" PRId64 " s behind",
		 r->online, r->behind_bytes, r->behind_s);
	if (*r->primary)
		snprintf(detail, sizeof detail,
			 "this is a replica of '%s', and takes no writes: name its primary",
			 r->primary);
	else if (refused)
		snprintf(detail, sizeof detail,
			 "%s: min-replicas-to-write is %" PRId64 ": nobody is let in", state,
			 server->replicas_to_write);
	else if (r->online < wanted)
		snprintf(detail, sizeof detail,
			 "%s: --wait asks for %" PRId64 ": nothing is confirmed", state, wanted);
	else if (wanted)
		snprintf(detail, sizeof detail, "%s; an answer waits for %" PRId64, state, wanted);
	else if (r->online)
		snprintf(detail, sizeof detail,
			 "%s: answers that they lack are lost when one takes over (use --wait)",
			 state);
	else
		snprintf(detail, sizeof detail, "none: this server has the only copy");
	if (*r->primary || refused || r->online < wanted) {
		preflight_line("fail", "replicas", detail);
		return EX_CONFIG;
	}
	preflight_line(r->online && !wanted ? "warn" : "ok", "replicas", detail);
	return 0;
}

int preflight_server(struct redis *redis, struct fault *why)
{
	struct server server;
	struct replicas replicas;
	struct fault refused;
	int result = 0;

	if (server_read(redis, &server, why) < 0 || server_replicas(redis, &replicas, why) < 0)
		return -1;
	preflight_line("ok", "redis", redis_address(redis));
	if (server_require(&server, ui.force, &refused) < 0) {
		preflight_line("fail", "eviction", refused.line);
		result = EX_CONFIG;
	} else if (server.known) {
		preflight_line("ok", "eviction", server.policy);
	}
	if (server_window(&server))
		preflight_line("warn", "durability", server_window(&server));
	else
		preflight_line("ok", "durability", "appendfsync always");
	if (!replicas.known)
		preflight_line("warn", "replicas", "redis does not tell of them (INFO)");
	else if (check_replicas(&server, &replicas))
		result = EX_CONFIG;
	return result;
}

static int check_functions(struct redis *redis, struct fault *why)
{
	char detail[64];
	int64_t version;

	if (redis_library_version(redis, &version, why) < 0)
		return -1;
	snprintf(detail, sizeof detail, "version %" PRId64 ", ours is %" PRId64, version,
		 library_version);
	if (version > library_version) {
		preflight_line("fail", "functions", detail);
		return EX_CONFIG;
	}
	if (version == 0)
		preflight_line("warn", "functions", "not loaded yet: the first use loads them");
	else
		preflight_line(version == library_version ? "ok" : "warn", "functions", detail);
	return 0;
}

static void check_clock(const struct event *event)
{
	char detail[96];
	int64_t off_ms = (clock_now_us() - event->now_us) / 1000;

	snprintf(detail, sizeof detail,
		 "this machine is %" PRId64 " ms from the server's time, which decides", off_ms);
	preflight_line(llabs(off_ms) <= CLOCK_TOLERANCE_MS ? "ok" : "warn", "clock", detail);
}

static int check_codes(const struct event *event)
{
	char detail[128];
	int64_t good = event_good_codes(event);

	if (!event_has_pool(event)) {
		preflight_line("ok", "codes",
			       strcmp(event->codes, "uuid") == 0
				       ? "uuid, made when they are assigned"
				       : "random, made when they are assigned");
		return 0;
	}
	snprintf(detail, sizeof detail, "a pool of %" PRId64 " for a stock of %" PRId64 "%s", good,
		 event->stock, good < event->stock ? ": load more with fcfs-codes load" : "");
	preflight_line(good < event->stock ? "fail" : "ok", "codes", detail);
	return good < event->stock ? EX_CONFIG : 0;
}

static int check_settings(const struct event *event)
{
	char detail[160];

	snprintf(detail, sizeof detail,
		 "%s, stock %" PRId64 ", standby %" PRId64 ", %" PRId64 " in line", event->door,
		 event->stock, event->standby, event->in_line);
	if (event->stock == 0 || strcmp(event->door, "closed") == 0) {
		preflight_line("fail", "event", detail);
		return EX_CONFIG;
	}
	preflight_line(strcmp(event->door, "paused") == 0 ? "warn" : "ok", "event", detail);
	return check_codes(event);
}

/* What weakens a promise is warned of, as it is with Redis: a person may have wanted it so. */
static int check_topic(const struct topic_finding *found)
{
	char detail[sizeof found->detail + 64];

	if (!found->missing && !found->differs && !found->stuck) {
		preflight_line("ok", found->name, found->detail);
		return 0;
	}
	snprintf(detail, sizeof detail, "%s%s", found->missing ? "is missing" : found->detail,
		 found->missing || found->differs ? ": run fcfs-setup kafka" : "");
	preflight_line(found->breaks ? "fail" : "warn", found->name, detail);
	return found->breaks ? EX_CONFIG : 0;
}

static int check_topics(struct kafka *kafka, struct fault *why)
{
	struct topic_finding found[TOPICS];
	int result = 0;

	if (kafka_topics(kafka, &(struct topic_wish){0}, false, found, why) < 0)
		return -1;
	preflight_line("ok", "kafka", ui.config.brokers);
	for (int t = 0; t < TOPICS; t++)
		if (check_topic(&found[t]))
			result = EX_CONFIG;
	return result;
}

static int check_kafka(const char *bus, struct fault *why)
{
	struct kafka *kafka;
	int result;

	if (!*ui.config.brokers && strcmp(bus, "kafka") != 0)
		return 0;
	if (!*ui.config.brokers) {
		preflight_line("fail", "kafka",
			       "the event goes through kafka, and no brokers are configured: name "
			       "them with -b or FCFS_BROKERS");
		return EX_CONFIG;
	}
	kafka = ui_kafka(NULL, why);
	result = kafka ? check_topics(kafka, why) : -1;
	kafka_close(kafka);
	if (result == 0 || result == EX_CONFIG || why->status == EX_USAGE)
		return result;
	preflight_line("fail", "kafka", why->line);
	return EX_CONFIG;
}

int preflight(struct redis *redis, const struct place *place, struct fault *why)
{
	struct event event = {0};
	int server = preflight_server(redis, why);
	int functions = server < 0 ? -1 : check_functions(redis, why);
	int settings = 0, brokers;

	if (server < 0 || functions)
		return functions;
	if (event_show(redis, place, &event, why) == 0) {
		check_clock(&event);
		settings = check_settings(&event);
	} else if (why->no_event) {
		preflight_line("fail", "event", why->line);
		settings = EX_CONFIG;
	} else {
		return -1;
	}
	brokers = check_kafka(event.bus, why);
	if (brokers < 0)
		return -1;
	return server ? server : settings ? settings : brokers;
}
