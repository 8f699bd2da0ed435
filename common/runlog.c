#include "runlog.h"

#include <stdio.h>
#include <string.h>

#define KEPT "1000"

int runlog_keep(struct redis *redis, const struct place *place, const struct run *run,
		struct fault *why)
{
	struct buffer json = {0};
	struct reply reply = {0};
	int result;

	run_json(&json, run);
	buffer_add(&json, "", 1);
	if (json.failed)
		result = fault_set(why, EX_OSERR, "out of memory");
	else
		result = step_once(redis, place, "run", false, &reply, why, run->id, json.bytes,
				   NULL);
	reply_release(&reply);
	buffer_release(&json);
	return result;
}

static void nameless_key(char *key, size_t size, const char *prefix)
{
	snprintf(key, size, "%sfcfs:runs", prefix);
}

int runlog_keep_nameless(struct redis *redis, const char *prefix, const struct run *run,
			 struct fault *why)
{
	struct buffer json = {0};
	struct reply reply = {0};
	char key[EVENT_MAX + 32];
	int result;

	nameless_key(key, sizeof key, prefix);
	run_json(&json, run);
	buffer_add(&json, "", 1);
	if (json.failed)
		result = fault_set(why, EX_OSERR, "out of memory");
	else
		result = redis_words(redis, &reply, why, "RPUSH", key, json.bytes, NULL);
	reply_release(&reply);
	if (result == 0)
		result = redis_words(redis, &reply, why, "LTRIM", key, "-" KEPT, "-1", NULL);
	reply_release(&reply);
	buffer_release(&json);
	return result;
}

int runlog_read(struct redis *redis, const struct place *place, struct reply *reply,
		struct fault *why)
{
	char key[sizeof place->event_key];

	snprintf(key, sizeof key, "%.*sruns", (int)(strlen(place->event_key) - strlen("event")),
		 place->event_key);
	return redis_words(redis, reply, why, "LRANGE", key, "0", "-1", NULL);
}

int runlog_read_nameless(struct redis *redis, const char *prefix, struct reply *reply,
			 struct fault *why)
{
	char key[EVENT_MAX + 32];

	nameless_key(key, sizeof key, prefix);
	return redis_words(redis, reply, why, "LRANGE", key, "0", "-1", NULL);
}
