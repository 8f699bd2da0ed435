#include "redis_private.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const redisReply *take(struct reply *reply)
{
	const redisReply *root = reply->root;

	if (!root || reply->next >= reply->count) {
		reply->unsound = true;
		return NULL;
	}
	return root->type == REDIS_REPLY_ARRAY ? root->element[reply->next++]
					       : (reply->next++, root);
}

int64_t reply_int(struct reply *reply)
{
	const redisReply *value = take(reply);
	char *end;
	long long number;

	if (value && value->type == REDIS_REPLY_INTEGER)
		return value->integer;
	if (!value || value->type != REDIS_REPLY_STRING || value->len == 0) {
		reply->unsound = true;
		return 0;
	}
	number = strtoll(value->str, &end, 10);
	if (*end)
		reply->unsound = true;
	return *end ? 0 : number;
}

const char *reply_text(struct reply *reply, size_t *len)
{
	const redisReply *value = take(reply);

	if (!value || (value->type != REDIS_REPLY_STRING && value->type != REDIS_REPLY_STATUS)) {
		reply->unsound = true;
		*len = 0;
		return "";
	}
	*len = (size_t)value->len;
	return value->str;
}

bool reply_is_int(const struct reply *reply)
{
	const redisReply *root = reply->root;

	if (!root || reply->next >= reply->count)
		return false;
	if (root->type == REDIS_REPLY_ARRAY)
		root = root->element[reply->next];
	return root->type == REDIS_REPLY_INTEGER;
}

bool reply_more(const struct reply *reply)
{
	return reply->next < reply->count;
}

int reply_check(const struct reply *reply, const char *what, struct fault *why)
{
	if (!reply->unsound)
		return 0;
	return fault_set(why, EX_PROTOCOL, "%s: the server's reply makes no sense", what);
}

void reply_release(struct reply *reply)
{
	if (reply->root)
		freeReplyObject(reply->root);
	*reply = (struct reply){0};
}

struct meaning {
	const char *prefix;
	enum remedy remedy;
	int status;
	const char *advice; /* behind the server's own words */
};

static const struct meaning MEANINGS[] = {
	{"NOEVENT", REMEDY_NONE, EX_CONFIG, ""},
	{"ERR Function not found", REMEDY_LOAD, EX_CONFIG, ""},
	{"LOADING", REMEDY_AGAIN, EX_UNAVAILABLE, ""},
	{"READONLY", REMEDY_AGAIN, EX_UNAVAILABLE, ""},
	{"BUSY", REMEDY_AGAIN, EX_UNAVAILABLE, ""},
	{"MASTERDOWN", REMEDY_AGAIN, EX_UNAVAILABLE, ""},
	{"CLUSTERDOWN", REMEDY_AGAIN, EX_UNAVAILABLE, ""},
	{"TRYAGAIN", REMEDY_AGAIN, EX_UNAVAILABLE, ""},
	{"UNBLOCKED", REMEDY_AGAIN, EX_UNAVAILABLE, ""},
	{"OOM", REMEDY_NONE, EX_TEMPFAIL, ": nobody is let in until it has memory"},
	{"MISCONF", REMEDY_NONE, EX_TEMPFAIL, ": nobody is let in until it can write its disk"},
	{"NOREPLICAS", REMEDY_NONE, EX_TEMPFAIL, ""},
	{"NOAUTH", REMEDY_NONE, EX_CONFIG, ": name a file with FCFS_REDIS_PASSWORD_FILE"},
	{"WRONGPASS", REMEDY_NONE, EX_CONFIG, ""},
	{"NOPERM", REMEDY_NONE, EX_CONFIG, ": grant what fcfs-setup acl prints"},
	{"ERR ACL failure in script", REMEDY_NONE, EX_CONFIG, /* as 8.0 says it */
	 ": grant what fcfs-setup acl prints"},
	{"ERR The user executing the script", REMEDY_NONE, EX_CONFIG, /* NOPERM, as 7.0 says it */
	 ": grant what fcfs-setup acl prints"},
	{"MOVED", REMEDY_NONE, EX_CONFIG, ": a cluster is not supported"},
	{"ERR unknown command", REMEDY_NONE, EX_CONFIG, ": Redis 7.0 or Valkey 7.2 is needed"},
	{"ERR Unknown subcommand", REMEDY_NONE, EX_CONFIG, ": Redis 7.0 or Valkey 7.2 is needed"},
	{"ERR AUTH", REMEDY_NONE, EX_CONFIG, ""},
	{"ERR DB index", REMEDY_NONE, EX_CONFIG, ""},
	{"ERR max number of clients", REMEDY_AGAIN, EX_UNAVAILABLE, ""},
};

enum remedy redis_sort_error(const char *text, const char *address, struct fault *why)
{
	for (size_t i = 0; i < sizeof MEANINGS / sizeof *MEANINGS; i++) {
		const struct meaning *m = &MEANINGS[i];

		if (strncmp(text, m->prefix, strlen(m->prefix)) != 0)
			continue;
		fault_set(why, m->status, "redis '%s': %s%s", address, text, m->advice);
		why->no_event = strcmp(m->prefix, "NOEVENT") == 0;
		return m->remedy;
	}
	fault_set(why, EX_PROTOCOL, "redis '%s': %s", address, text);
	return REMEDY_NONE;
}

int redis_lost(const redisContext *context, const char *address, struct fault *why)
{
	bool stranger = context->err == REDIS_ERR_PROTOCOL;

	return fault_set(why, stranger ? EX_PROTOCOL : EX_UNAVAILABLE, "redis '%s': %s%s", address,
			 context->errstr, stranger ? ": is it a Redis?" : "");
}

redisReply *redis_bare(redisContext *context, const char *address, struct fault *why, int argc,
		       const char **argv)
{
	redisReply *reply = redisCommandArgv(context, argc, argv, NULL);

	if (!reply) {
		redis_lost(context, address, why);
	} else if (reply->type == REDIS_REPLY_ERROR) {
		redis_sort_error(reply->str, address, why);
		freeReplyObject(reply);
		reply = NULL;
	}
	return reply;
}
