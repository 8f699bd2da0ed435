#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int server_read(struct redis *redis, struct server *server, struct fault *why)
{
	struct reply reply;

	memset(server, 0, sizeof *server);
	if (redis_words(redis, &reply, why, "CONFIG", "GET", "maxmemory-policy", "appendonly",
			"appendfsync", "no-appendfsync-on-rewrite", "min-replicas-to-write",
			NULL) < 0)
		return why->status == EX_CONFIG ? 0 : -1;
	while (reply_more(&reply)) {
		size_t len;
		const char *name = reply_text(&reply, &len);
		const char *value = reply_text(&reply, &len);

		if (strcmp(name, "maxmemory-policy") == 0)
			snprintf(server->policy, sizeof server->policy, "%s", value);
		else if (strcmp(name, "appendonly") == 0)
			server->append_only = strcmp(value, "yes") == 0;
		else if (strcmp(name, "appendfsync") == 0)
			snprintf(server->fsync, sizeof server->fsync, "%s", value);
		else if (strcmp(name, "no-appendfsync-on-rewrite") == 0)
			server->rewrites_unsynced = strcmp(value, "yes") == 0;
		else if (strcmp(name, "min-replicas-to-write") == 0)
			server->replicas_to_write = atoll(value);
	}
	server->known = *server->policy && *server->fsync;
	reply_release(&reply);
	return 0;
}

/* The number behind NAME in a line of INFO; 0: it is not there. */
static int64_t number_of(const char *line, const char *name)
{
	const char *at = strstr(line, name);

	return at ? strtoll(at + strlen(name), NULL, 10) : 0;
}

/* One line of INFO. The replicas' lines are between the number of them and the server's own offset, so this
 * is kept first as the least that one of them has. */
static void read_line(struct replicas *r, const char *line, int64_t *least)
{
	if (strncmp(line, "master_host:", 12) == 0) {
		snprintf(r->primary, sizeof r->primary, "%.250s", line + 12);
	} else if (strncmp(line, "master_port:", 12) == 0) {
		size_t used = strlen(r->primary);

		snprintf(r->primary + used, sizeof r->primary - used, ":%.8s", line + 12);
	} else if (strncmp(line, "slave", 5) == 0 && strstr(line, ",state=online,")) {
		int64_t has = number_of(line, ",offset="), lag_s = number_of(line, ",lag=");

		*least = r->online++ == 0 || has < *least ? has : *least;
		r->behind_s = lag_s > r->behind_s ? lag_s : r->behind_s;
	} else if (strncmp(line, "master_repl_offset:", 19) == 0 && r->online > 0) {
		r->behind_bytes = strtoll(line + 19, NULL, 10) - *least;
	}
}

int server_replicas(struct redis *redis, struct replicas *r, struct fault *why)
{
	struct reply reply;
	const char *text;
	int64_t least = 0;
	size_t len;

	memset(r, 0, sizeof *r);
	if (redis_words(redis, &reply, why, "INFO", "replication", NULL) < 0)
		return why->status == EX_CONFIG ? 0 : -1;
	for (text = reply_text(&reply, &len); *text; text += strspn(text, "\r\n")) {
		char line[300];

		len = strcspn(text, "\r\n");
		snprintf(line, sizeof line, "%.*s", (int)len, text);
		read_line(r, line, &least);
		text += len;
	}
	r->known = reply_check(&reply, "INFO", why) == 0;
	reply_release(&reply);
	return 0;
}

int server_require(const struct server *server, bool force, struct fault *why)
{
	if (force || !server->known || strcmp(server->policy, "noeviction") == 0)
		return 0;
	return fault_set(why, EX_CONFIG,
			 "redis: maxmemory-policy is '%s', so it may throw people out of the line: "
			 "set it to noeviction, or use --force",
			 server->policy);
}

const char *server_durability(const struct server *server)
{
	if (!server->known)
		return "unknown";
	return server->append_only ? server->fsync : "off";
}

const char *server_window(const struct server *server)
{
	if (!server->known)
		return "redis does not tell its settings: make sure of maxmemory-policy noeviction "
		       "and appendfsync always";
	if (!server->append_only)
		return "redis keeps no append-only file: all since its last snapshot is lost when "
		       "it dies (set appendonly yes, appendfsync always)";
	if (strcmp(server->fsync, "everysec") == 0)
		return "redis syncs its file once a second: answers of the last second or two are "
		       "lost when it dies (set appendfsync always)";
	if (strcmp(server->fsync, "always") != 0)
		return "redis never syncs its file: answers of the last half minute are lost when "
		       "the machine dies (set appendfsync always)";
	if (server->rewrites_unsynced)
		return "redis does not sync its file while it rewrites it: answers of that time are "
		       "lost when the machine dies (set no-appendfsync-on-rewrite no)";
	return NULL;
}

int server_now_us(struct redis *redis, int64_t *now_us, struct fault *why)
{
	struct reply reply;
	int result;

	if (redis_words(redis, &reply, why, "TIME", NULL) < 0)
		return -1;
	*now_us = reply_int(&reply) * 1000000;
	*now_us += reply_int(&reply);
	result = reply_check(&reply, "TIME", why);
	reply_release(&reply);
	return result;
}
