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

void reply_copy(struct reply *reply, char *to, size_t size)
{
	size_t len;
	const char *text = reply_text(reply, &len);
	const bool fits = len < size;

	reply->unsound = reply->unsound || !fits;
	memcpy(to, text, fits ? len : 0);
	to[fits ? len : 0] = '\0';
}

size_t reply_word(struct reply *reply, const char *const *words, size_t count)
{
	size_t len;
	const char *word = reply_text(reply, &len);

	if (reply->unsound)
		return 0;
	for (size_t i = 0; i < count; i++)
		if (words[i] && strcmp(words[i], word) == 0)
			return i;
	reply->unsound = true;
	reply->strange = word;
	return 0;
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
	if (reply->strange)
		return fault_set(why, EX_PROTOCOL,
				 "%s: the server answers '%.20s', which is no answer", what,
				 reply->strange);
	return fault_set(why, EX_PROTOCOL, "%s: the server's reply makes no sense", what);
}

int reply_end(struct reply *reply, const char *what, struct fault *why)
{
	reply->unsound = reply->unsound || reply_more(reply);
	return reply_check(reply, what, why);
}

void reply_release(struct reply *reply)
{
	if (reply->root)
		freeReplyObject(reply->root);
	*reply = (struct reply){0};
}

enum remedy redis_sort_error(const char *text, const char *address, struct fault *why)
{
	const struct known_fault *known = known_fault_of_answer(text);

	fault_set(why, known ? known->status : EX_PROTOCOL, "redis '%s': %s%s", address, text,
		  known ? known->hint : "");
	why->no_event = strncmp(text, "NOEVENT", strlen("NOEVENT")) == 0;
	return known ? known->remedy : REMEDY_NONE;
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
