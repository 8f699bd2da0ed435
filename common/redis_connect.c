#include "redis_private.h"

#include "parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct timeval timeval_ms(int64_t ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
}

/* Takes the host, an IPv6 one in brackets. Returns what stands behind it; NULL: it is none. */
static const char *take_host(struct endpoint *e, const char *rest)
{
	bool bracket = *rest == '[';
	size_t len = strcspn(rest += bracket, bracket ? "]" : ":");

	if (len == 0 || len >= sizeof e->host || (bracket && !rest[len]))
		return NULL;
	memcpy(e->host, rest, len);
	return rest + len + bracket;
}

/* Splits [user@]host[:port][/db]. */
static int split_url(struct endpoint *e, char *rest)
{
	char *slash = strchr(rest, '/'), *at;
	int64_t database = 0, port = 6379;
	const char *behind;
	struct fault vague;

	if (slash) {
		*slash++ = '\0';
		if (*slash && parse_count("db", slash, 0, INT32_MAX, &database, &vague) < 0)
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
	behind = take_host(e, rest);
	if (!behind || (*behind && *behind != ':') ||
	    (*behind && parse_count("port", behind + 1, 1, 65535, &port, &vague) < 0))
		return -1;
	e->database = (int)database;
	e->port = (int)port;
	return 0;
}

/* Takes apart the URL of a server; -1: it is none. */
static int locate(struct endpoint *e, const char *url)
{
	static const char TCP[] = "redis://", UNIX[] = "unix:/";
	char rest[512];
	bool bracket;

	if (strncmp(url, UNIX, sizeof UNIX - 1) == 0 && strlen(url + 5) < sizeof e->host) {
		snprintf(e->host, sizeof e->host, "%s", url + 5);
		snprintf(e->address, sizeof e->address, "%s", e->host);
		return 0;
	}
	if (strncmp(url, TCP, sizeof TCP - 1) != 0 || strlen(url) >= sizeof rest)
		return -1;
	strcpy(rest, url + sizeof TCP - 1);
	if (split_url(e, rest) < 0)
		return -1;
	bracket = strchr(e->host, ':') != NULL;
	snprintf(e->address, sizeof e->address, "%s%s%s:%d", bracket ? "[" : "", e->host,
		 bracket ? "]" : "", e->port);
	return 0;
}

bool redis_is_url(const char *url)
{
	struct endpoint e = {0};

	return locate(&e, url) == 0;
}

int endpoint_init(struct endpoint *e, const struct redis_options *options, struct fault *why)
{
	memset(e, 0, sizeof *e);
	e->connect_timeout_ms = options->connect_timeout_ms;
	e->command_timeout_ms = options->command_timeout_ms;
	snprintf(e->password_file, sizeof e->password_file, "%s",
		 options->password_file ? options->password_file : "");
	return locate(e, options->url) == 0 ? 0
					    : fault_set(why, EX_USAGE, "the server's URL is none");
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

enum { PASSWORD_MAX = 512 };

static int read_password(const struct endpoint *e, char password[PASSWORD_MAX], struct fault *why)
{
	FILE *file = fopen(e->password_file, "re");

	if (!file || (!fgets(password, PASSWORD_MAX, file) && ferror(file))) {
		fault_errno(why, EX_CONFIG, "password file '%s'", e->password_file);
		if (file)
			fclose(file);
		return -1;
	}
	fclose(file);
	if (strlen(password) == PASSWORD_MAX - 1)
		return fault_set(why, EX_CONFIG, "password file '%s': its first line is too long",
				 e->password_file);
	password[strcspn(password, "\r\n")] = '\0';
	return 0;
}

/* A user without a password is still that user: "nopass" takes any. */
static int authenticate(const struct endpoint *e, redisContext *context, struct fault *why)
{
	char password[PASSWORD_MAX] = "";
	const char *argv[] = {"AUTH", e->user, password};

	if (!*e->password_file && !*e->user)
		return 0;
	if (*e->password_file && read_password(e, password, why) < 0)
		return -1;
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
		redis_lost(context, e->address, why);
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
