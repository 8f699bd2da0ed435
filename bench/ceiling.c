/*
 * ceiling PORT|SOCKET KEY BATCH <NAMES: what Redis itself can do: names from stdin, a line each, go into a sorted set
 * with ZADD NX of BATCH at a time and nothing else, one batch always on its way while the next is read. No answer is told,
 * no rule checked. Ends with 0 if every name was new, else 65.
 */
#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { MAX_BATCH = 10000, MAX_NAME = 64, MAX_SCORE = 24, FIXED = 3 };

struct batch {
	int people;
	const char *argv[FIXED + 2 * MAX_BATCH];
	size_t lengths[FIXED + 2 * MAX_BATCH];
	char names[MAX_BATCH][MAX_NAME];
	char scores[MAX_BATCH][MAX_SCORE];
};

static struct batch batch;

static _Noreturn void fail(const char *why)
{
	fprintf(stderr, "ceiling: %s\n", why);
	exit(EX_UNAVAILABLE);
}

static void put(int at, const char *text, size_t length)
{
	batch.argv[at] = text;
	batch.lengths[at] = length;
}

/* Reads the next batch; false at the end. */
static bool fill(int size)
{
	static long score;

	batch.people = 0;
	while (batch.people < size && fgets(batch.names[batch.people], MAX_NAME, stdin)) {
		char *name = batch.names[batch.people], *digits = batch.scores[batch.people];
		int at = FIXED + 2 * batch.people++;

		put(at, digits, (size_t)snprintf(digits, MAX_SCORE, "%ld", ++score));
		put(at + 1, name, strcspn(name, "\n"));
	}
	return batch.people > 0;
}

/* Writes all that is appended. */
static void flush(redisContext *redis)
{
	int done = 0;

	while (!done)
		if (redisBufferWrite(redis, &done) != REDIS_OK)
			fail(redis->errstr);
}

static long long added(redisContext *redis)
{
	long long count;
	void *answer;
	redisReply *reply;

	if (redisGetReply(redis, &answer) != REDIS_OK)
		fail(redis->errstr);
	reply = answer;
	if (reply->type != REDIS_REPLY_INTEGER)
		fail(reply->type == REDIS_REPLY_ERROR ? reply->str : "not a number");
	count = reply->integer;
	freeReplyObject(reply);
	return count;
}

int main(int argc, char **argv)
{
	int size = argc == 4 ? (int)strtol(argv[3], NULL, 10) : 0;
	long long people = 0, in = 0;
	bool waiting = false;
	redisContext *redis;

	if (size < 1 || size > MAX_BATCH) {
		fputs("usage: ceiling PORT|SOCKET KEY BATCH\n", stderr);
		return EX_USAGE;
	}
	redis = *argv[1] == '/' ? redisConnectUnix(argv[1])
				: redisConnect("127.0.0.1", (int)strtol(argv[1], NULL, 10));
	if (!redis || redis->err)
		fail(redis ? redis->errstr : "no memory");
	put(0, "ZADD", 4);
	put(1, argv[2], strlen(argv[2]));
	put(2, "NX", 2);
	while (fill(size)) {
		people += batch.people;
		redisAppendCommandArgv(redis, FIXED + 2 * batch.people, batch.argv, batch.lengths);
		flush(redis);
		in += waiting ? added(redis) : 0;
		waiting = true;
	}
	in += waiting ? added(redis) : 0;
	redisFree(redis);
	return in == people ? EX_OK : EX_DATAERR;
}
