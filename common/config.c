#include "config.h"

#include "parse.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HOUR_MS = 3600000 };

/* What a setting goes through: checks the text, and puts it where it belongs. */
typedef int setter(void *to, size_t size, const char *value, const char *origin, struct fault *why);

static int set_text(void *to, size_t size, const char *value, const char *origin, struct fault *why)
{
	if (strlen(value) >= size)
		return fault_set(why, EX_CONFIG, "%s: longer than %zu bytes", origin, size - 1);
	strcpy(to, value);
	return 0;
}

static int set_redis(void *to, size_t size, const char *value, const char *origin,
		     struct fault *why)
{
	if (set_text(to, size, value, origin, why) < 0)
		return -1;
	return redis_is_url(value)
		       ? 0 /* not shown where it is none: it may hold a password */
		       : fault_set(
				 why, EX_CONFIG,
				 "%s is no URL of a server: write redis://[user@]host[:port][/db] "
				 "or unix:/path, the password in the file "
				 "FCFS_REDIS_PASSWORD_FILE names",
				 origin);
}

static int set_prefix(void *to, size_t size, const char *value, const char *origin,
		      struct fault *why)
{
	if (*value && !name_is_event(value, strlen(value)))
		return fault_set(why, EX_CONFIG, "%s: a prefix is up to 64 of A-Z a-z 0-9 . _ -",
				 origin);
	return set_text(to, size, value, origin, why);
}

static int set_duration(void *to, size_t size, const char *value, const char *origin,
			struct fault *why)
{
	(void)size;
	return parse_duration(origin, value, to, why);
}

/* More than nothing: libraries take 0 for "for ever". */
static int set_wait(void *to, size_t size, const char *value, const char *origin, struct fault *why)
{
	(void)size;
	return parse_wait(origin, value, to, why);
}

static int set_replicas(void *to, size_t size, const char *value, const char *origin,
			struct fault *why)
{
	struct config_wait *wait = to;
	char replicas[8];
	const char *comma = strchr(value, ',');

	(void)size;
	*wait = (struct config_wait){0};
	if (!*value || strcmp(value, "0") == 0)
		return 0;
	snprintf(replicas, sizeof replicas, "%.*s", comma ? (int)(comma - value) : 0, value);
	if (!comma || comma - value >= (ptrdiff_t)sizeof replicas ||
	    parse_count(origin, replicas, 1, 100, &wait->replicas, why) < 0 ||
	    parse_count(origin, comma + 1, 1, HOUR_MS, &wait->ms, why) < 0)
		return fault_set(why, EX_CONFIG,
				 "%s '%.32s': expected N,MS: how many replicas, 1 to 100, and for "
				 "how many milliseconds they are waited for; 0 for none",
				 origin, value);
	return 0;
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

/* Behind HOST[:PORT], where HOST may be [IPv6]; NULL if there is none. */
static const char *skip_broker(const char *at)
{
	bool bracket = *at == '[';
	size_t len = strspn(at + bracket, bracket ? LETTERS DIGITS ":.%_-" : LETTERS DIGITS "._-");

	at += bracket + len;
	if (len == 0 || (bracket && *at++ != ']'))
		return NULL;
	if (*at != ':')
		return at;
	len = strspn(++at, DIGITS);
	if (len < 1 || len > 5 || strtol(at, NULL, 10) < 1 || strtol(at, NULL, 10) > 65535)
		return NULL;
	return at + len;
}

static int set_brokers(void *to, size_t size, const char *value, const char *origin,
		       struct fault *why)
{
	const char *at = value;

	while (*at && (at = skip_broker(at)) && *at == ',' && at[1])
		at++;
	if (!at || *at) /* what looks like a user's password is not shown */
		return fault_set(why, EX_CONFIG, "%s: '%.256s' is not HOST[:PORT][,...]", origin,
				 strchr(value, '@') ? "...@..." : value);
	return set_text(to, size, value, origin, why);
}

#define FIELD(name) offsetof(struct config, name), sizeof((struct config *)NULL)->name

static const struct setting {
	const char *name, *option; /* NULL: has none */
	setter *set;
	size_t offset, size;
	const char *preset; /* NULL: nothing */
} SETTINGS[] = {
	{"FCFS_REDIS", "redis", set_redis, FIELD(redis), "redis://127.0.0.1:6379"},
	{"FCFS_REDIS_PASSWORD_FILE", NULL, set_text, FIELD(password_file), NULL},
	{"FCFS_PREFIX", "prefix", set_prefix, FIELD(prefix), NULL},
	{"FCFS_BROKERS", "brokers", set_brokers, FIELD(brokers), NULL},
	{"FCFS_KAFKA_PROPERTIES", "properties", set_text, FIELD(kafka_properties), NULL},
	{"FCFS_STATE", NULL, set_text, FIELD(state), NULL}, /* by the user: preset() */
	{"FCFS_CONNECT_TIMEOUT", "connect-timeout", set_wait, FIELD(connect_timeout_ms), "3s"},
	{"FCFS_TIMEOUT", "timeout", set_wait, FIELD(timeout_ms), "5s"},
	{"FCFS_RECONNECT", "reconnect", set_duration, FIELD(reconnect_ms), "30s"},
	{"FCFS_WAIT", "wait", set_replicas, FIELD(wait), NULL},
	{0},
};

static int set(struct config *c, const struct setting *setting, const char *value,
	       const char *origin, struct fault *why)
{
	return setting->set((char *)c + setting->offset, setting->size, value, origin, why);
}

/* Returns 1 where the name is none of ours. `origin` goes in front of a fault. */
static int set_by_name(struct config *c, const char *name, const char *value, const char *origin,
		       struct fault *why)
{
	for (const struct setting *s = SETTINGS; s->name; s++)
		if (strcmp(s->name, name) == 0)
			return set(c, s, value, origin, why);
	return 1;
}

int config_set_option(struct config *c, const char *option, const char *value, struct fault *why)
{
	const struct setting *s = SETTINGS;
	char origin[32];

	while (s->name && (!s->option || strcmp(s->option, option) != 0))
		s++;
	assert(s->name);
	snprintf(origin, sizeof origin, "--%s", option);
	if (set(c, s, value, origin, why) == 0)
		return 0;
	why->status = EX_USAGE;
	return -1;
}

static int preset(struct config *config, struct fault *why)
{
	const char *home = getenv("HOME");

	memset(config, 0, sizeof *config);
	if (geteuid() == 0)
		strcpy(config->state, "/var/lib/fcfs");
	else
		snprintf(config->state, sizeof config->state, "%s/.local/state/fcfs",
			 home ? home : "");
	for (const struct setting *s = SETTINGS; s->name; s++)
		if (s->preset && set(config, s, s->preset, s->name, why) < 0)
			return -1;
	return 0;
}

static int read_line(struct config *config, char *line, const char *origin, struct fault *why)
{
	char *name = line + strspn(line, " \t"), *value = strchr(name, '=');

	if (*name == '#' || *name == '\0')
		return 0;
	if (!value || name + strcspn(name, " \t") < value) /* as of a shell: export KEY=value */
		return fault_set(why, EX_CONFIG, "%s: expected KEY=value", origin);
	*value++ = '\0';
	switch (set_by_name(config, name, value, origin, why)) {
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

static int read_environment(struct config *config, struct fault *why)
{
	for (const struct setting *s = SETTINGS; s->name; s++) {
		const char *value = getenv(s->name);

		if (value && set(config, s, value, s->name, why) < 0) {
			why->status = EX_CONFIG;
			return -1;
		}
	}
	return 0;
}

int config_load(struct config *config, struct fault *why)
{
	if (preset(config, why) < 0 || read_file(config, why) < 0)
		return -1;
	return read_environment(config, why);
}

struct redis_options config_redis(const struct config *config)
{
	return (struct redis_options){
		.url = config->redis,
		.password_file = config->password_file,
		.connect_timeout_ms = config->connect_timeout_ms,
		.command_timeout_ms = config->timeout_ms,
		.reconnect_ms = config->reconnect_ms,
		.replicas = config->wait.replicas,
		.replicas_ms = config->wait.ms,
	};
}
