#include "coprocess.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OURS, THEIRS };
enum { LOOK_MS = 2 };

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

/* The new process, all signals blocked, between fork and exec: nothing here may allocate or lock. What we
 * ignore or catch is none of its business. */
static void become(const char *command, int in, int out, pid_t parent)
{
	const char *const argv[] = {"sh", "-c", command, NULL};
	sigset_t none;

	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		signal(signal_number, SIG_DFL);
	sigemptyset(&none);
	setpgid(0, 0);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
		_exit(127);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv("/bin/sh", (char *const *)argv);
	_exit(127);
}

/* 0, or an errno. No signal of ours may be caught by the new process. posix_spawn cannot have it die with
 * us. */
static int spawn(pid_t *pid, const char *command, int in, int out)
{
	pid_t parent = getpid();
	sigset_t all, before;
	int failed;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	*pid = fork();
	failed = *pid < 0 ? errno : 0;
	if (*pid == 0)
		become(command, in, out, parent);
	if (*pid > 0)
		setpgid(*pid, *pid); /* it may not have come to it, and is to be killed by then */
	sigprocmask(SIG_SETMASK, &before, NULL);
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
	int64_t until_ms = clock_ms() + grace_ms;
	int status = 0;

	if (p->to >= 0)
		close(p->to);
	while (!has_ended(p->pid) && clock_ms() < until_ms) {
		discard(p->from);
		clock_sleep_ms(LOOK_MS);
	}
	kill(-p->pid, SIGKILL);
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(p->from);
	*p = (struct coprocess){.to = -1, .from = -1};
	return status;
}
