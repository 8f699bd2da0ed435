/*
 * strike.c - preloaded into a tool, sends it a signal at an exact moment of what it sends: between
 * a commit and the step in Redis that follows it, say, where trip.c can only count calls whose
 * number is another each time.
 *
 *   STRIKE_AT=fcfs_done_1  a write with this text in it; a number: a request to Kafka with this API
 *                          key (0 Produce, 26 EndTxn, 28 TxnOffsetCommit)
 *   STRIKE_NTH=1           which of them
 *   STRIKE_WITH=9          the signal: 9 SIGKILL, 19 SIGSTOP
 *   STRIKE_AFTER=yes       when it has been sent, not before
 *   STRIKE_UNTIL=FILE      no signal: this thread alone waits until FILE, which it makes, is gone
 */
#include <ctype.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static atomic_int met;

static const char *setting(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

static void wait_gone(const char *file)
{
	const struct timespec pause = {.tv_nsec = 10000000};

	close(creat(file, 0600));
	while (access(file, F_OK) == 0)
		nanosleep(&pause, NULL);
}

/* Of all threads; a stop, too, takes effect before this returns. */
static void strike(int due, const char *after)
{
	const char *until = setting("STRIKE_UNTIL", "");

	if (!due || strcmp(setting("STRIKE_AFTER", ""), after) != 0)
		return;
	if (*until)
		wait_gone(until);
	else
		raise(atoi(setting("STRIKE_WITH", "9")));
}

static int is_due(void)
{
	return atomic_fetch_add(&met, 1) + 1 == atoi(setting("STRIKE_NTH", "1"));
}

static int has_text(const void *bytes, size_t len)
{
	const char *text = setting("STRIKE_AT", "");

	return *text && !isdigit((unsigned char)*text) && memmem(bytes, len, text, strlen(text));
}

/* Its first eight bytes: how long the rest is, API key, version. */
static int is_request(const struct msghdr *message)
{
	const char *key = setting("STRIKE_AT", "");
	const unsigned char *head = message->msg_iov[0].iov_base;
	size_t len = 0;

	for (size_t i = 0; i < message->msg_iovlen; i++)
		len += message->msg_iov[i].iov_len;
	return isdigit((unsigned char)*key) && message->msg_iov[0].iov_len >= 8 &&
	       ((size_t)head[0] << 24 | head[1] << 16 | head[2] << 8 | head[3]) + 4 == len &&
	       (head[4] << 8 | head[5]) == atoi(key);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	ssize_t (*next)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
	int due = has_text(bytes, len) && is_due();
	ssize_t result;

	strike(due, "");
	result = next(fd, bytes, len);
	strike(due, "yes");
	return result;
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
	ssize_t (*next)(int, const void *, size_t, int) = dlsym(RTLD_NEXT, "send");
	int due = has_text(bytes, len) && is_due();
	ssize_t result;

	strike(due, "");
	result = next(fd, bytes, len, flags);
	strike(due, "yes");
	return result;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t (*next)(int, const struct msghdr *, int) = dlsym(RTLD_NEXT, "sendmsg");
	int due = is_request(message) && is_due();
	ssize_t result;

	strike(due, "");
	result = next(fd, message, flags);
	strike(due, "yes");
	return result;
}
