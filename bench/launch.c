/*
 * launch [-n RUNS] FILE COMMAND [ARGUMENT...] [-- COMMAND [ARGUMENT...]]...: runs the commands in turn, each RUNS times (1),
 * in every other turn backwards, and writes a line for each run to FILE: microseconds from start to exit, microseconds
 * of processor time, KiB of memory at most, and which command it was, 1 for the first. {} in an argument becomes the
 * number of the turn. Ends with the status of the first command that fails, at once.
 *
 * The memory is the kernel's own figure (ru_maxrss), which counts what a process had before exec, too: ours, which is small.
 */
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>

enum { MAX_COMMANDS = 8, MAX_ARGUMENTS = 64, MAX_TEXT = 4096 };

extern char **environ;

static _Noreturn void fail(const char *what, int error)
{
	fprintf(stderr, "launch: %s: %s\n", what, strerror(error));
	exit(EX_OSERR);
}

static long long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static long long us(struct timeval time)
{
	return time.tv_sec * 1000000LL + time.tv_usec;
}

/* The command with the turn's number in it; text is where the arguments that changed are. */
static void fill(char **command, long turn, char **argv, char *text)
{
	char *end = text + MAX_TEXT;
	int k = 0;

	do {
		const char *hole = strstr(command[k], "{}");

		argv[k] = command[k];
		if (!hole)
			continue;
		argv[k] = text;
		text += snprintf(text, (size_t)(end - text), "%.*s%ld%s", (int)(hole - command[k]),
				 command[k], turn, hole + 2) +
			1;
		if (text > end)
			fail(command[k], E2BIG);
	} while (command[++k]);
	argv[k] = NULL;
}

static void run(char **command, int number, long turn, FILE *out)
{
	char *argv[MAX_ARGUMENTS + 1], text[MAX_TEXT];
	struct rusage used;
	long long before, took_us;
	pid_t pid;
	int error, status;

	fill(command, turn, argv, text);
	before = now_us();
	error = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (error)
		fail(argv[0], error);
	if (wait4(pid, &status, 0, &used) < 0)
		fail("wait4", errno);
	took_us = now_us() - before;
	fprintf(out, "%lld %lld %ld %d\n", took_us, us(used.ru_utime) + us(used.ru_stime),
		used.ru_maxrss, number);
	if (status != 0)
		exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* Splits argv at each "--"; returns how many commands there are, 0 if that makes no sense. */
static int split(char **argv, char ***commands)
{
	int count = 0;

	while (*argv) {
		if (count == MAX_COMMANDS || !strcmp(*argv, "--"))
			return 0;
		commands[count++] = argv;
		do
			argv++;
		while (*argv && strcmp(*argv, "--") != 0);
		if (argv - commands[count - 1] > MAX_ARGUMENTS)
			return 0;
		if (*argv)
			*argv++ = NULL;
	}
	return count;
}

int main(int argc, char **argv)
{
	char **commands[MAX_COMMANDS];
	long turn, runs = 1;
	int count, k;
	FILE *out;

	if (argc > 2 && !strcmp(argv[1], "-n")) {
		runs = strtol(argv[2], NULL, 10);
		argv += 2;
		argc -= 2;
	}
	count = argc > 2 ? split(argv + 2, commands) : 0;
	if (count == 0 || runs < 1) {
		fputs("usage: launch [-n RUNS] FILE COMMAND... [-- COMMAND...]...\n", stderr);
		return EX_USAGE;
	}
	out = fopen(argv[1], "we");
	if (!out)
		fail(argv[1], errno);
	for (turn = 1; turn <= runs; turn++)
		for (k = 0; k < count; k++) {
			int which = turn % 2 ? k : count - 1 - k;

			run(commands[which], which + 1, turn, out);
		}
	if (fclose(out) != 0)
		fail(argv[1], errno);
	return EX_OK;
}
