/*
 * coprocess PORT KEY PEOPLE COMMAND [ARGUMENT...]: one person at a time, as a web backend would: each is first given to
 * COMMAND, a line on its stdin, and its answer awaited, a line on its stdout; then added to a sorted set with ZADD NX over a
 * connection of our own, and that answer awaited; every other time the other way round. Writes the microseconds of both, a line a
 * person. Ends with 0; 65 if a person was answered as no newcomer; 69, 71 for what failed.
 */
#include <errno.h>
#include <hiredis/hiredis.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

struct pipes {
	pid_t pid;
	FILE *in, *out;
};

static _Noreturn void fail(const char *what, const char *why, int status)
{
	fprintf(stderr, "coprocess: %s: %s\n", what, why);
	exit(status);
}

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static struct pipes start(char **argv)
{
	posix_spawn_file_actions_t actions;
	struct pipes child = {0};
	int in[2], out[2], error;

	if (pipe(in) < 0 || pipe(out) < 0)
		fail("pipe", strerror(errno), EX_OSERR);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, in[1]);
	posix_spawn_file_actions_addclose(&actions, out[0]);
	error = posix_spawnp(&child.pid, argv[0], &actions, NULL, argv, environ);
	if (error)
		fail(argv[0], strerror(error), EX_OSERR);
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	close(out[1]);
	child.in = fdopen(in[1], "w");
	child.out = fdopen(out[0], "r");
	if (!child.in || !child.out)
		fail("fdopen", strerror(errno), EX_OSERR);
	return child;
}

/* Returns the microseconds that it took. */
static double ask_child(struct pipes *child, const char *name, bool *good)
{
	char answer[256];
	double before = now_us();

	if (fprintf(child->in, "%s\n", name) < 0 || fflush(child->in) != 0)
		fail("the co-process", strerror(errno), EX_UNAVAILABLE);
	if (!fgets(answer, sizeof(answer), child->out))
		fail("the co-process", "no answer", EX_UNAVAILABLE);
	*good = *good && !strncmp(answer, "joined\t", 7);
	return now_us() - before;
}

static double ask_redis(redisContext *redis, const char *key, long score, const char *name,
			bool *good)
{
	double before = now_us();
	redisReply *reply = redisCommand(redis, "ZADD %s NX %ld %s", key, score, name);

	if (!reply)
		fail("redis", redis->errstr, EX_UNAVAILABLE);
	*good = *good && reply->type == REDIS_REPLY_INTEGER && reply->integer == 1;
	freeReplyObject(reply);
	return now_us() - before;
}

static int end(struct pipes *child)
{
	int status;

	fclose(child->in);
	fclose(child->out);
	if (waitpid(child->pid, &status, 0) < 0)
		fail("waitpid", strerror(errno), EX_OSERR);
	return WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
}

int main(int argc, char **argv)
{
	long person, people = argc > 4 ? strtol(argv[3], NULL, 10) : 0;
	struct pipes child;
	redisContext *redis;
	bool good = true;

	if (people < 1) {
		fputs("usage: coprocess PORT KEY PEOPLE COMMAND...\n", stderr);
		return EX_USAGE;
	}
	redis = redisConnect("127.0.0.1", (int)strtol(argv[1], NULL, 10));
	if (!redis || redis->err)
		fail("redis", redis ? redis->errstr : "no memory", EX_UNAVAILABLE);
	child = start(argv + 4);
	for (person = 1; person <= people; person++) {
		double ours = 0, peer;
		char name[64];

		snprintf(name, sizeof(name), "aaaaaaaa-bbbb-4ccc-8ddd-%012ld", person);
		if (person % 2)
			ours = ask_child(&child, name, &good);
		peer = ask_redis(redis, argv[2], person, name, &good);
		if (person % 2 == 0)
			ours = ask_child(&child, name, &good);
		printf("%.1f %.1f\n", ours, peer);
	}
	redisFree(redis);
	if (end(&child) != 0)
		fail("the co-process", "did not end with 0", EX_UNAVAILABLE);
	return good ? EX_OK : EX_DATAERR;
}
