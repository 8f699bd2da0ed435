#include "redis_private.h"

#include <string.h>

const int64_t library_version = FCFS_PROTOCOL * 1000 + FCFS_REVISION;

int redis_library_version_on(redisContext *context, const char *address, int64_t *version,
			     struct fault *why)
{
	const char *argv[] = {"FCALL_RO", "fcfs_version", "0"};
	redisReply *reply = redisCommandArgv(context, 3, argv, NULL);
	int result = 0;

	if (!reply)
		return redis_lost(context, address, why);
	if (reply->type == REDIS_REPLY_INTEGER)
		*version = reply->integer;
	else if (reply->type == REDIS_REPLY_ERROR &&
		 redis_sort_error(reply->str, address, why) == REMEDY_LOAD)
		*version = 0;
	else if (reply->type == REDIS_REPLY_ERROR)
		result = -1;
	else
		result = fault_set(why, EX_PROTOCOL, "redis '%s': 'fcfs_version' is not ours",
				   address);
	freeReplyObject(reply);
	return result;
}

/* Without REPLACE it fails where another client was quicker; then theirs is looked at. */
static int load(redisContext *context, const char *address, bool replace, struct fault *why)
{
	const char *fresh[] = {"FUNCTION", "LOAD", library_source};
	const char *over[] = {"FUNCTION", "LOAD", "REPLACE", library_source};
	redisReply *reply =
		redis_bare(context, address, why, replace ? 4 : 3, replace ? over : fresh);

	if (!reply)
		return -1;
	freeReplyObject(reply);
	return 0;
}

int redis_library_on(redisContext *context, const char *address, enum library_state *state,
		     struct fault *why)
{
	int64_t there = 0;

	for (int attempt = 0;; attempt++) {
		if (redis_library_version_on(context, address, &there, why) < 0)
			return -1;
		if (there > library_version)
			return fault_set(why, EX_CONFIG,
					 "redis '%s': its functions are of a newer fcfs (%lld, "
					 "ours %lld): upgrade this machine's fcfs",
					 address, (long long)there, (long long)library_version);
		if (there == library_version && attempt == 0)
			*state = LIBRARY_CURRENT;
		if (there == library_version)
			return 0;
		*state = there ? LIBRARY_REPLACED : LIBRARY_LOADED;
		if (load(context, address, there != 0, why) < 0 &&
		    (attempt > 0 || !strstr(why->line, "already exists")))
			return -1;
	}
}
