#include "server.h"

#include <stdio.h>
#include <string.h>

int server_read(struct redis *redis, struct server *server, struct fault *why)
{
	struct reply reply;

	memset(server, 0, sizeof *server);
	if (redis_words(redis, &reply, why, "CONFIG", "GET", "maxmemory-policy", "appendonly",
			"appendfsync", NULL) < 0)
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
	}
	server->known = *server->policy && *server->fsync;
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
