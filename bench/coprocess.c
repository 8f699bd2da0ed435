/*
 * coprocess PORT EVENT PEOPLE COMMAND [ARGUMENT...]: one person at a time, as a web backend would, in three ways, taking turns
 * at going first: COMMAND is given a line on its stdin, and its answer awaited, a line on its stdout; ZADD NX adds them to
 * a sorted set, zadd, over a connection of our own; FCALL lets them join EVENT over the same. Writes the microseconds of the three, a
 * line a person. Ends with 0; 65 if a person was answered as no newcomer; 69, 71 for what failed.
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

enum { WAYS = 3 };

struct backend {
	pid_t pid; /* of COMMAND */
	FILE *in, *out;
	redisContext *redis;
	char event[128], line[128]; /* keys */
	bool good;
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

static void start(struct backend *b, char **argv)
{
	posix_spawn_file_actions_t actions;
	int in[2], out[2], error;

	if (pipe(in) < 0 || pipe(out) < 0)
		fail("pipe", strerror(errno), EX_OSERR);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, in[1]);
	posix_spawn_file_actions_addclose(&actions, out[0]);
	error = posix_spawnp(&b->pid, argv[0], &actions, NULL, argv, environ);
	if (error)
		fail(argv[0], strerror(error), EX_OSERR);
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	close(out[1]);
	b->in = fdopen(in[1], "w");
	b->out = fdopen(out[0], "r");
	if (!b->in || !b->out)
		fail("fdopen", strerror(errno), EX_OSERR);
}

static void ask_command(struct backend *b, const char *name, long person)
{
	char answer[256];

	(void)person;
	if (fprintf(b->in, "%s\n", name) < 0 || fflush(b->in) != 0)
		fail("the co-process", strerror(errno), EX_UNAVAILABLE);
	if (!fgets(answer, sizeof(answer), b->out))
		fail("the co-process", "no answer", EX_UNAVAILABLE);
	b->good = b->good && !strncmp(answer, "joined\t", 7);
}

static redisReply *answered(struct backend *b, redisReply *reply)
{
	if (!reply)
		fail("redis", b->redis->errstr, EX_UNAVAILABLE);
	if (reply->type == REDIS_REPLY_ERROR)
		fail("redis", reply->str, EX_UNAVAILABLE);
	return reply;
}

static void ask_zadd(struct backend *b, const char *name, long person)
{
	redisReply *reply =
		answered(b, redisCommand(b->redis, "ZADD zadd NX %ld %s", person, name));

	b->good = b->good && reply->type == REDIS_REPLY_INTEGER && reply->integer == 1;
	freeReplyObject(reply);
}

static void ask_function(struct backend *b, const char *name, long person)
{
	redisReply *reply = answered(
		b, redisCommand(b->redis, "FCALL fcfs_join_1 2 %s %s %s", b->event, b->line, name));

	(void)person;
	b->good = b->good && reply->elements > 0 && !strcmp(reply->element[0]->str, "joined");
	freeReplyObject(reply);
}

static void ask(struct backend *b, long person)
{
	static void (*const WAY[WAYS])(struct backend *, const char *,
				       long) = {ask_command, ask_zadd, ask_function};
	double us[WAYS], before;
	char name[64];

	snprintf(name, sizeof(name), "aaaaaaaa-bbbb-4ccc-8ddd-%012ld", person);
	for (int k = 0; k < WAYS; k++) {
		int way = (int)((person + k) % WAYS);

		before = now_us();
		WAY[way](b, name, person);
		us[way] = now_us() - before;
	}
	printf("%.1f %.1f %.1f\n", us[0], us[1], us[2]);
}

static void end(struct backend *b)
{
	int status;

	redisFree(b->redis);
	fclose(b->in);
	fclose(b->out);
	if (waitpid(b->pid, &status, 0) < 0)
		fail("waitpid", strerror(errno), EX_OSERR);
	if (status != 0)
		fail("the co-process", "did not end with 0", EX_UNAVAILABLE);
}

int main(int argc, char **argv)
{
	long person, people = argc > 4 ? strtol(argv[3], NULL, 10) : 0;
	struct backend b = {.good = true};

	if (people < 1) {
		fputs("usage: coprocess PORT EVENT PEOPLE COMMAND...\n", stderr);
		return EX_USAGE;
	}
	snprintf(b.event, sizeof(b.event), "fcfs:{%s}:event", argv[2]);
	snprintf(b.line, sizeof(b.line), "fcfs:{%s}:line", argv[2]);
	b.redis = redisConnect("127.0.0.1", (int)strtol(argv[1], NULL, 10));
	if (!b.redis || b.redis->err)
		fail("redis", b.redis ? b.redis->errstr : "no memory", EX_UNAVAILABLE);
	start(&b, argv + 4);
	for (person = 1; person <= people; person++)
		ask(&b, person);
	end(&b);
	return b.good ? EX_OK : EX_DATAERR;
}
