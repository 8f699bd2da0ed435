#include "redis_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct timeval timeval_ms(int64_t ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
}

/* Splits [user@]host[:port][/db]; an IPv6 host stands in brackets. */
static int split_url(struct endpoint *e, char *rest)
{
	char *slash = strchr(rest, '/'), *at, *colon, *end = rest;

	if (slash) {
		*slash++ = '\0';
		e->database = (int)strtol(slash, &end, 10);
		if (*end || e->database < 0)
			return -1;
	}
	at = strrchr(rest, '@');
	if (at) {
		*at = '\0';
		if (strchr(rest, ':') || strlen(rest) >= sizeof e->user)
			return -1;
		strcpy(e->user, rest);
		rest = at + 1;
	}
	end = *rest == '[' ? strchr(rest, ']') : rest;
	colon = end ? strchr(end, ':') : NULL;
	e->port = 6379;
	if (colon) {
		*colon++ = '\0';
		e->port = (int)strtol(colon, &end, 10);
		if (*end || e->port < 1 || e->port > 65535)
			return -1;
	}
	snprintf(e->host, sizeof e->host, "%.*s", (int)strcspn(rest + (*rest == '['), "]"),
		 rest + (*rest == '['));
	return *e->host ? 0 : -1;
}

int endpoint_init(struct endpoint *e, const struct redis_options *options, struct fault *why)
{
	static const char TCP[] = "redis://", UNIX[] = "unix:/";
	const char *url = options->url;
	char rest[512];

	memset(e, 0, sizeof *e);
	e->connect_timeout_ms = options->connect_timeout_ms;
	e->command_timeout_ms = options->command_timeout_ms;
	snprintf(e->password_file, sizeof e->password_file, "%s",
		 options->password_file ? options->password_file : "");
	if (strncmp(url, UNIX, sizeof UNIX - 1) == 0 && strlen(url + 5) < sizeof e->host) {
		snprintf(e->host, sizeof e->host, "%s", url + 5);
		snprintf(e->address, sizeof e->address, "%s", e->host);
		return 0;
	}
	if (strncmp(url, TCP, sizeof TCP - 1) == 0 && strlen(url) < sizeof rest) {
		strcpy(rest, url + sizeof TCP - 1);
		if (split_url(e, rest) == 0) {
			snprintf(e->address, sizeof e->address, "%s:%d", e->host, e->port);
			return 0;
		}
	}
	return fault_set(why, EX_USAGE,
			 "this redis URL makes no sense: write redis://[user@]host[:port][/db] or "
			 "unix:/path, the password in the file FCFS_REDIS_PASSWORD_FILE names");
}

static int bare(const struct endpoint *e, redisContext *context, struct fault *why, int argc,
		const char **argv)
{
	redisReply *reply = redis_bare(context, e->address, why, argc, argv);

	if (!reply)
		return -1;
	freeReplyObject(reply);
	return 0;
}

static int authenticate(const struct endpoint *e, redisContext *context, struct fault *why)
{
	char password[512] = "";
	const char *argv[] = {"AUTH", e->user, password};
	FILE *file;

	if (!*e->password_file)
		return 0;
	file = fopen(e->password_file, "re");
	if (!file || (!fgets(password, sizeof password, file) && ferror(file))) {
		fault_errno(why, EX_CONFIG, "password file '%s'", e->password_file);
		if (file)
			fclose(file);
		return -1;
	}
	fclose(file);
	password[strcspn(password, "\r\n")] = '\0';
	if (*e->user)
		return bare(e, context, why, 3, argv);
	argv[1] = password;
	return bare(e, context, why, 2, argv);
}

static int select_database(const struct endpoint *e, redisContext *context, struct fault *why)
{
	char number[16];
	const char *argv[] = {"SELECT", number};

	if (e->database == 0)
		return 0;
	snprintf(number, sizeof number, "%d", e->database);
	return bare(e, context, why, 2, argv);
}

redisContext *endpoint_connect(const struct endpoint *e, struct fault *why)
{
	struct timeval connect = timeval_ms(e->connect_timeout_ms);
	struct timeval command = timeval_ms(e->command_timeout_ms);
	redisContext *context = e->port ? redisConnectWithTimeout(e->host, e->port, connect)
					: redisConnectUnixWithTimeout(e->host, connect);

	if (!context)
		return fault_set(why, EX_OSERR, "out of memory"), NULL;
	if (context->err) {
		fault_set(why, EX_UNAVAILABLE, "redis '%s': %s", e->address, context->errstr);
	} else {
		redisSetTimeout(context, command);
		if (e->port)
			redisEnableKeepAlive(context);
		if (authenticate(e, context, why) == 0 && select_database(e, context, why) == 0)
			return context;
	}
	redisFree(context);
	return NULL;
}
