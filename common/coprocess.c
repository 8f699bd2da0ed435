#include "coprocess.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { OURS, THEIRS };

/* fd[OURS] does not block. */
static int make_pipe(int fd[2], int ours)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	fd[OURS] = ends[ours];
	fd[THEIRS] = ends[!ours];
	return fcntl(fd[OURS], F_SETFL, O_NONBLOCK);
}

static void close_pipe(const int fd[2])
{
	for (int i = 0; i < 2; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

/* What we ignore or catch is none of its business. */
static int describe_signals(posix_spawnattr_t *attributes)
{
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setpgroup(attributes, 0);
	return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
							    POSIX_SPAWN_SETPGROUP);
}

/* 0, or an errno. */
static int spawn(pid_t *pid, const char *command, int in, int out)
{
	char *const argv[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	int failed = posix_spawn_file_actions_init(&files);

	if (failed)
		return failed;
	failed = posix_spawnattr_init(&attributes);
	if (!failed) {
		failed = describe_signals(&attributes);
		if (!failed)
			failed = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
		if (!failed)
			failed = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
		if (!failed)
			failed = posix_spawn(pid, "/bin/sh", &files, &attributes, argv, environ);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&files);
	return failed;
}

int coprocess_start(struct coprocess *p, const char *command, struct fault *why)
{
	int to[2] = {-1, -1}, from[2] = {-1, -1};
	bool piped = make_pipe(to, 1) == 0 && make_pipe(from, 0) == 0;
	int failed = piped ? spawn(&p->pid, command, to[THEIRS], from[THEIRS]) : errno;

	if (failed) {
		close_pipe(to);
		close_pipe(from);
		*p = (struct coprocess){.to = -1, .from = -1};
		errno = failed;
		return fault_errno(why, EX_OSERR, "a process");
	}
	close(to[THEIRS]);
	close(from[THEIRS]);
	p->to = to[OURS];
	p->from = from[OURS];
	return 0;
}

/* Reads what nobody wants, so that it does not wait for a reader. */
static void discard(int fd)
{
	char bytes[65536];

	(void)!read(fd, bytes, sizeof bytes);
}

/* Still a process, or one that is waited for: its number is its own. */
static bool has_ended(pid_t pid)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != 0;
}

int coprocess_end(struct coprocess *p, int grace_ms)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	int64_t until_ms = clock_ms() + grace_ms;
	int status = 0;

	if (p->to >= 0)
		close(p->to);
	while (!has_ended(p->pid) && clock_ms() < until_ms) {
		discard(p->from);
		nanosleep(&pause, NULL);
	}
	kill(-p->pid, SIGKILL);
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(p->from);
	*p = (struct coprocess){.to = -1, .from = -1};
	return status;
}
