#include "pipe.h"

#include "dead_file.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAKES = 2, BLOCK = 1 << 20, TICK_MS = 1000, STOP_TICKS = 3, BATCH = 1000 };

struct pipe_in {
	struct source source;
	int fd;
	bool ended;
	bool skipping;	   /* the rest of a line that was too long */
	bool gave;	   /* of this block */
	size_t start, end; /* what is in the block and was not taken */
	int64_t lines;
	char *block; /* one of these, in turn with each take that gives any */
	char blocks[TAKES][BLOCK];
};

static bool readable(int fd, int timeout_ms, int stop_fd)
{
	struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};

	return poll(fds, 2, timeout_ms) > 0 && fds[0].revents;
}

static void give(struct pipe_in *in, struct incoming *to, size_t len)
{
	*to = (struct incoming){.bytes = in->block + in->start,
				.len = len,
				.number = ++in->lines,
				.partition = -1,
				.offset = -1};
}

/* Takes the line at the start, if all of it is there. */
static bool take_line(struct pipe_in *in, struct incoming *to)
{
	size_t left = in->end - in->start;
	char *newline = memchr(in->block + in->start, '\n', left);
	size_t len = newline ? (size_t)(newline - in->block) - in->start : left;
	bool skipped = in->skipping && newline;

	if (!newline && !(in->ended && left > 0) && left < BLOCK)
		return false;
	if (!in->skipping)
		give(in, to, len);
	in->start += len + (newline != NULL);
	if (skipped) {
		in->skipping = false;
		return take_line(in, to);
	}
	if (in->skipping)
		return false;
	in->skipping = !newline && !in->ended;
	return true;
}

/* One read. At the end `ended` is set. */
static int read_more(struct pipe_in *in, struct fault *why)
{
	ssize_t got;

	do
		got = read(in->fd, in->block + in->end, BLOCK - in->end);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return fault_errno(why, EX_IOERR, "standard input");
	in->end += (size_t)got;
	in->ended = got == 0;
	return 0;
}

static void compact(struct pipe_in *in)
{
	memmove(in->block, in->block + in->start, in->end - in->start);
	in->end -= in->start;
	in->start = 0;
}

/* What was given of one block stays, while the next take gives of the other. */
static void turn_over(struct pipe_in *in)
{
	char *next = in->block == in->blocks[0] ? in->blocks[1] : in->blocks[0];

	memcpy(next, in->block + in->start, in->end - in->start);
	in->block = next;
	in->end -= in->start;
	in->start = 0;
	in->gave = false;
}

static int pipe_take(struct source *source, struct incoming *to, size_t max,
		     const struct control *control, struct fault *why)
{
	struct pipe_in *in = (struct pipe_in *)source;
	size_t taken = 0;

	if (in->gave)
		turn_over(in);
	while (taken < max) {
		if (take_line(in, &to[taken])) {
			taken++;
			continue;
		}
		if (in->ended)
			break;
		if (taken && (in->end == BLOCK || !readable(in->fd, 0, -1)))
			break;
		if (in->end == BLOCK)
			compact(in);
		if (!taken &&
		    !readable(in->fd, control ? TICK_MS : 0, control ? control->stop_fd : -1))
			break;
		if (read_more(in, why) < 0)
			return -1;
	}
	in->gave = taken > 0;
	return (int)taken;
}

static bool pipe_idle(struct source *source)
{
	struct pipe_in *in = (struct pipe_in *)source;

	if (in->ended)
		return in->start == in->end;
	return !memchr(in->block + in->start, '\n', in->end - in->start) &&
	       !readable(in->fd, 0, -1);
}

static int pipe_ended(struct source *source, struct fault *why)
{
	const struct pipe_in *in = (struct pipe_in *)source;

	(void)why;
	return in->ended && in->start == in->end;
}

static int pipe_tend(struct source *source, struct fault *why)
{
	(void)source;
	(void)why;
	return 0;
}

static bool pipe_lost(struct source *source)
{
	(void)source;
	return false;
}

static int pipe_rewind(struct source *source, struct fault *why)
{
	(void)source;
	return fault_set(why, EX_SOFTWARE, "a pipe cannot be read again");
}

static void pipe_in_close(struct source *source)
{
	free(source);
}

int pipe_source(int fd, struct source **source, struct fault *why)
{
	struct pipe_in *in = calloc(1, sizeof *in);

	*source = NULL;
	if (!in)
		return fault_errno(why, EX_OSERR, "pipe");
	in->fd = fd;
	in->block = in->blocks[0];
	in->source = (struct source){.takes = TAKES,
				     .take = pipe_take,
				     .ended = pipe_ended,
				     .idle = pipe_idle,
				     .tend = pipe_tend,
				     .lost = pipe_lost,
				     .rewind = pipe_rewind,
				     .close = pipe_in_close};
	*source = &in->source;
	return 0;
}

struct pipe_out {
	struct sink sink;
	const struct control *control;
	struct dead_file *dead; /* NULL: dead letters are dropped */
	int fd;
	size_t len;
	char bytes[PIPE_BUF];
};

/* Waits until a write of up to PIPE_BUF bytes will not block. */
static int wait_writable(struct pipe_out *out, struct fault *why)
{
	struct pollfd fd = {.fd = out->fd, .events = POLLOUT};
	int stopping = 0;

	for (;;) {
		int ready = poll(&fd, 1, TICK_MS);

		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return fault_errno(why, EX_OSERR, "poll");
		if (out->control->stopping() && ++stopping > STOP_TICKS)
			return fault_set(why, EX_TEMPFAIL,
					 "asked to stop, and nobody reads standard output: what is "
					 "not written comes with the next run");
		if (out->sink.waiting && out->sink.waiting(out->sink.waiting_self, why) < 0)
			return -1;
	}
}

/* A file that took only a part of what it was given would glue the next record to it. */
static void cut_back(int fd, size_t part)
{
	off_t end = lseek(fd, 0, SEEK_CUR);
	struct stat file;

	if (part > 0 && end >= (off_t)part && fstat(fd, &file) == 0 && S_ISREG(file.st_mode) &&
	    file.st_size == end)
		(void)!ftruncate(fd, end - (off_t)part);
}

static int write_out(struct pipe_out *out, const char *bytes, size_t len, struct fault *why)
{
	size_t done = 0;

	while (done < len) {
		size_t part = len - done < PIPE_BUF ? len - done : PIPE_BUF;
		ssize_t wrote;

		if (wait_writable(out, why) < 0)
			return -1;
		wrote = write(out->fd, bytes + done, part);
		if (wrote < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (wrote < 0) {
			fault_errno(why, EX_IOERR, "standard output");
			cut_back(out->fd, done);
			return -1;
		}
		done += (size_t)wrote;
	}
	return 0;
}

static int flush(struct pipe_out *out, struct fault *why)
{
	size_t len = out->len;

	out->len = 0;
	return write_out(out, out->bytes, len, why);
}

static int put_line(struct pipe_out *out, const char *bytes, size_t len, struct fault *why)
{
	if (out->len + len + 1 > sizeof out->bytes && flush(out, why) < 0)
		return -1;
	if (len + 1 > sizeof out->bytes)
		return write_out(out, bytes, len, why) < 0 ? -1 : write_out(out, "\n", 1, why);
	memcpy(out->bytes + out->len, bytes, len);
	out->len += len;
	out->bytes[out->len++] = '\n';
	return 0;
}

static int pipe_put(struct sink *sink, const struct outgoing *o, struct fault *why)
{
	struct pipe_out *out = (struct pipe_out *)sink;

	if (o->topic == TOPIC_DEAD && out->dead)
		return dead_file_put(out->dead, o->cause, why);
	if (o->topic != TOPIC_WINNERS && o->topic != TOPIC_ISSUED)
		return 0;
	return put_line(out, o->bytes, o->len, why);
}

static int pipe_commit(struct sink *sink, size_t takes, struct fault *why)
{
	struct pipe_out *out = (struct pipe_out *)sink;

	(void)takes;
	if (out->dead && dead_file_sync(out->dead, why) < 0)
		return -1;
	return flush(out, why);
}

static int pipe_settle(struct sink *sink, struct fault *why)
{
	(void)sink;
	(void)why;
	return COMMITTED;
}

static bool pipe_busy(struct sink *sink)
{
	(void)sink;
	return false;
}

static int pipe_restart(struct sink *sink, struct fault *why)
{
	(void)sink;
	(void)why;
	return 0;
}

/* A pipe that nobody reads any more shows it without a write (poll(2)). */
static int pipe_check(struct sink *sink, struct fault *why)
{
	struct pipe_out *out = (struct pipe_out *)sink;
	struct pollfd fd = {.fd = out->fd};

	if (poll(&fd, 1, 0) <= 0)
		return 0;
	errno = EPIPE;
	return fault_errno(why, EX_IOERR, "standard output");
}

static void pipe_out_close(struct sink *sink)
{
	dead_file_close(((struct pipe_out *)sink)->dead);
	free(sink);
}

void pipe_sink_dead(struct sink *sink, struct dead_file *dead)
{
	((struct pipe_out *)sink)->dead = dead;
}

int pipe_sink(int fd, const struct control *control, struct sink **sink, struct fault *why)
{
	struct pipe_out *out = calloc(1, sizeof *out);

	*sink = NULL;
	if (!out)
		return fault_errno(why, EX_OSERR, "pipe");
	out->fd = fd;
	out->control = control;
	out->sink = (struct sink){.put = pipe_put,
				  .commit = pipe_commit,
				  .settle = pipe_settle,
				  .busy = pipe_busy,
				  .restart = pipe_restart,
				  .check = pipe_check,
				  .close = pipe_out_close};
	*sink = &out->sink;
	return 0;
}

struct pipe_bus {
	struct bus bus;
	int fd;
	const struct control *control;
};

static int open_sink(struct bus *bus, const char *event_id, struct sink **sink, struct fault *why)
{
	const struct pipe_bus *b = (struct pipe_bus *)bus;

	(void)event_id;
	if (pipe_sink(b->fd, b->control, sink, why) < 0 || !*sink)
		return -1;
	(*sink)->waiting = bus->waiting;
	(*sink)->waiting_self = bus->waiting_self;
	return 0;
}

static void close_bus(struct bus *bus)
{
	free(bus);
}

int pipe_bus(int fd, const struct control *control, struct bus **bus, struct fault *why)
{
	struct pipe_bus *b = calloc(1, sizeof *b);

	*bus = NULL;
	if (!b)
		return fault_errno(why, EX_OSERR, "pipe");
	b->bus =
		(struct bus){.name = "pipe", .batch = BATCH, .open = open_sink, .close = close_bus};
	b->fd = fd;
	b->control = control;
	*bus = &b->bus;
	return 0;
}
