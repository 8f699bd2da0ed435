#include "config.h"

#include "parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int set_text(char *to, size_t size, const char *value, const char *origin, struct fault *why)
{
	if (strlen(value) >= size)
		return fault_set(why, EX_CONFIG, "%s: longer than %zu bytes", origin, size - 1);
	strcpy(to, value);
	return 0;
}

static int set_prefix(struct config *config, const char *value, const char *origin,
		      struct fault *why)
{
	if (*value && !name_is_event(value, strlen(value)))
		return fault_set(why, EX_CONFIG, "%s: a prefix is up to 64 of A-Z a-z 0-9 . _ -",
				 origin);
	strcpy(config->prefix, value);
	return 0;
}

/* More than nothing: libraries take 0 for "for ever". */
static int set_wait(int64_t *ms, const char *value, const char *origin, struct fault *why)
{
	if (parse_duration(origin, value, ms, why) < 0)
		return -1;
	return *ms > 0 ? 0 : fault_set(why, EX_CONFIG, "%s: more than 0", origin);
}

int config_set(struct config *c, const char *name, const char *value, const char *origin,
	       struct fault *why)
{
	if (strcmp(name, "FCFS_REDIS") == 0)
		return set_text(c->redis, sizeof c->redis, value, origin, why);
	if (strcmp(name, "FCFS_REDIS_PASSWORD_FILE") == 0)
		return set_text(c->password_file, sizeof c->password_file, value, origin, why);
	if (strcmp(name, "FCFS_PREFIX") == 0)
		return set_prefix(c, value, origin, why);
	if (strcmp(name, "FCFS_STATE") == 0)
		return set_text(c->state, sizeof c->state, value, origin, why);
	if (strcmp(name, "FCFS_CONNECT_TIMEOUT") == 0)
		return set_wait(&c->connect_timeout_ms, value, origin, why);
	if (strcmp(name, "FCFS_TIMEOUT") == 0)
		return set_wait(&c->timeout_ms, value, origin, why);
	if (strcmp(name, "FCFS_RECONNECT") == 0)
		return parse_duration(origin, value, &c->reconnect_ms, why);
	return 1;
}

static void defaults(struct config *config)
{
	const char *home = getenv("HOME");

	memset(config, 0, sizeof *config);
	strcpy(config->redis, "redis://127.0.0.1:6379");
	config->connect_timeout_ms = 3000;
	config->timeout_ms = 5000;
	config->reconnect_ms = 30000;
	if (geteuid() == 0)
		strcpy(config->state, "/var/lib/fcfs");
	else
		snprintf(config->state, sizeof config->state, "%s/.local/state/fcfs",
			 home ? home : "");
}

static int read_line(struct config *config, char *line, const char *origin, struct fault *why)
{
	char *name = line + strspn(line, " \t"), *value = strchr(name, '=');

	if (*name == '#' || *name == '\0')
		return 0;
	if (!value)
		return fault_set(why, EX_CONFIG, "%s: expected KEY=value", origin);
	*value++ = '\0';
	switch (config_set(config, name, value, origin, why)) {
	case 0:
		return 0;
	case 1:
		if (strncmp(name, "FCFS_", 5) != 0)
			return 0;
		return fault_set(why, EX_CONFIG, "%s: '%s' is no setting of fcfs", origin, name);
	default:
		why->status = EX_CONFIG;
		return -1;
	}
}

static int read_file(struct config *config, struct fault *why)
{
	const char *named = getenv("FCFS_CONFIG");
	const char *path = named ? named : "/etc/fcfs.conf";
	char line[PATH_MAX + 64], origin[PATH_MAX + 32];
	int number = 0, result = 0;
	FILE *file = fopen(path, "re");

	if (!file && (named || errno != ENOENT))
		return fault_errno(why, EX_CONFIG, "configuration '%s'", path);
	while (file && result == 0 && fgets(line, sizeof line, file)) {
		snprintf(origin, sizeof origin, "%s: line %d", path, ++number);
		if (strlen(line) == sizeof line - 1) {
			result = fault_set(why, EX_CONFIG, "%s: too long", origin);
			break;
		}
		line[strcspn(line, "\r\n")] = '\0';
		result = read_line(config, line, origin, why);
	}
	if (file && result == 0 && ferror(file))
		result = fault_errno(why, EX_CONFIG, "configuration '%s'", path);
	if (file)
		fclose(file);
	return result;
}

int config_load(struct config *config, struct fault *why)
{
	static const char *const NAMES[] = {
		"FCFS_REDIS",	  "FCFS_REDIS_PASSWORD_FILE", "FCFS_PREFIX",
		"FCFS_STATE",	  "FCFS_CONNECT_TIMEOUT",     "FCFS_TIMEOUT",
		"FCFS_RECONNECT",
	};

	defaults(config);
	if (read_file(config, why) < 0)
		return -1;
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
		const char *value = getenv(NAMES[i]);

		if (value && config_set(config, NAMES[i], value, NAMES[i], why) < 0) {
			why->status = EX_CONFIG;
			return -1;
		}
	}
	return 0;
}

struct redis_options config_redis(const struct config *config)
{
	return (struct redis_options){
		.url = config->redis,
		.password_file = config->password_file,
		.connect_timeout_ms = config->connect_timeout_ms,
		.command_timeout_ms = config->timeout_ms,
		.reconnect_ms = config->reconnect_ms,
	};
}
