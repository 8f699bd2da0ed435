/*
 * trip.c - runs a command, and kills it (-9) as it enters its K-th call of these names, counted over all of its threads:
 * what came before that call has happened, the call has not.
 *
 *   trip CALL[,CALL]... K COMMAND [ARGUMENT]...
 *   trip -f FILE CALL[,CALL]... K COMMAND [ARGUMENT]...
 *
 * -f: nothing is killed, but the disk is full: from the K-th such call on FILE, or on a file whose name goes on from there
 * (-wal, -journal), each of them fails with ENOSPC.
 *
 * Not counted are the calls of what the command starts, and a write of one byte: so librdkafka's threads wake each other up
 * hundreds of times. The status is the command's, 128 + N where signal N ended it; 71 where it could not be run. The kernel
 * asks us before each such call: seccomp_unotify(2), Linux 5.5 or later.
 */
#include <assert.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static const struct call {
	const char *name;
	int number;
} calls[] = {
	{"write", SYS_write},	      {"writev", SYS_writev},	    {"pwrite64", SYS_pwrite64},
	{"sendto", SYS_sendto},	      {"sendmsg", SYS_sendmsg},	    {"fsync", SYS_fsync},
	{"fdatasync", SYS_fdatasync}, {"ftruncate", SYS_ftruncate},
#ifdef SYS_poll
	{"poll", SYS_poll},
#endif
};

enum { CALLS = sizeof calls / sizeof *calls, STACK = 256 * 1024 };

static struct {
	struct sock_filter filter[2 + 2 * CALLS];
	unsigned short length;
	char **command;
	const char *file; /* or NULL */
	long nth, met;
	pid_t tool;
	/* Set by the child, which shares our memory and files until it is the command: */
	int listener, error;
} t;

static const struct call *call_of(const char *name)
{
	for (size_t c = 0; c < CALLS; c++)
		if (strcmp(calls[c].name, name) == 0)
			return &calls[c];
	errx(EX_USAGE, "no such call: '%s'", name);
}

/* names is cut up */
static void make_filter(char *names)
{
	struct sock_filter *at = t.filter;

	*at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					     offsetof(struct seccomp_data, nr));
	for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
		assert(at < t.filter + 2 * CALLS);
		*at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						     (unsigned)call_of(name)->number, 0, 1);
		*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	}
	*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	t.length = (unsigned short)(at - t.filter);
}

/* Between the filter and the command it makes no call that we are asked about: we do not listen yet. */
static int become_command(void *unused)
{
	struct sock_fprog program = {t.length, t.filter};

	(void)unused;
	t.listener = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0
			     ? -1
			     : (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
					    SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	if (t.listener >= 0)
		execvp(t.command[0], t.command);
	t.error = errno;
	return EX_OSERR;
}

static bool on_file(const struct seccomp_notif *asked)
{
	char link[64], path[PATH_MAX];
	ssize_t len;

	snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)asked->pid, (int)asked->data.args[0]);
	len = readlink(link, path, sizeof path - 1);
	path[len < 0 ? 0 : len] = '\0';
	return strncmp(path, t.file, strlen(t.file)) == 0;
}

static bool wakes(const struct seccomp_notif *asked)
{
	return asked->data.nr == SYS_write && asked->data.args[2] == 1;
}

static bool of_tool(const struct seccomp_notif *asked)
{
	return syscall(SYS_tgkill, t.tool, asked->pid, 0) == 0;
}

static bool is_due(const struct seccomp_notif *asked)
{
	if (!of_tool(asked) || wakes(asked) || (t.file && !on_file(asked)))
		return false;
	return ++t.met >= t.nth;
}

static void tell(const struct seccomp_notif *asked)
{
	for (size_t c = 0; c < CALLS; c++)
		if (calls[c].number == asked->data.nr)
			warnx("killed in its call %ld, %s, of %s thread", t.met, calls[c].name,
			      (pid_t)asked->pid == t.tool ? "the first" : "another");
}

/* Who was killed, or met by a signal, meanwhile, waits for no answer any more. */
static void answer(void)
{
	struct seccomp_notif asked = {0};
	struct seccomp_notif_resp reply = {.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};

	if (ioctl(t.listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
		return;
	reply.id = asked.id;
	if (is_due(&asked)) {
		if (!t.file) {
			kill(t.tool, SIGKILL);
			tell(&asked);
			return;
		}
		reply.flags = 0;
		reply.error = -ENOSPC;
	}
	ioctl(t.listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

int main(int argc, char **argv)
{
	static char stack[STACK];
	struct pollfd asking;
	int status;

	if (argc > 2 && strcmp(argv[1], "-f") == 0) {
		t.file = argv[2];
		argv += 2;
		argc -= 2;
	}
	if (argc < 4)
		errx(EX_USAGE, "usage: trip [-f FILE] CALL[,CALL]... K COMMAND [ARGUMENT]...");
	make_filter(argv[1]);
	t.nth = atol(argv[2]);
	t.command = argv + 3;
	t.tool = clone(become_command, stack + sizeof stack,
		       CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, NULL);
	if (t.tool < 0 || t.error) {
		errno = t.error ? t.error : errno;
		err(EX_OSERR, "%s", t.command[0]);
	}
	asking = (struct pollfd){.fd = t.listener, .events = POLLIN};
	while (poll(&asking, 1, -1) > 0 && asking.revents & POLLIN)
		answer();
	if (waitpid(t.tool, &status, 0) < 0)
		err(EX_OSERR, "%s", t.command[0]);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
