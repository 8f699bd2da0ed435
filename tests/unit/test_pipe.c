/* pipe.c: lines as records, whole records to a write, and nothing lost in between. */
#include "pipe.h"
#include "tap.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

enum { MEBIBYTE = 1 << 20 };

static bool stop_asked;

static bool stopping(void)
{
	return stop_asked;
}

static void say_nothing(const char *line)
{
	(void)line;
}

static void count_nothing(int64_t done)
{
	(void)done;
}

static const struct control CONTROL = {
	.stopping = stopping,
	.stop_fd = -1,
	.complain = say_nothing,
	.warn = say_nothing,
	.note = say_nothing,
	.progress = count_nothing,
};

static struct source *open_source(int fd)
{
	struct source *source;
	struct fault why;

	pipe_source(fd, &source, &why);
	return source;
}

static struct sink *open_sink(int fd)
{
	struct sink *sink;
	struct fault why;

	pipe_sink(fd, &CONTROL, &sink, &why);
	return sink;
}

static int put(struct sink *sink, enum topic topic, const char *bytes, size_t len,
	       struct fault *why)
{
	const struct outgoing outgoing = {.topic = topic, .bytes = bytes, .len = len};

	return sink->put(sink, &outgoing, why);
}

static int commit(struct sink *sink, struct fault *why)
{
	return sink->commit(sink, 0, why) < 0 ? -1 : sink->settle(sink, why);
}

static int ended(struct source *source)
{
	struct fault why;

	return source->ended(source, &why);
}

/* A source over these bytes, at their end. */
static struct source *source_of(const char *bytes, size_t len, FILE **file)
{
	*file = tmpfile();
	fwrite(bytes, 1, len, *file);
	rewind(*file);
	return open_source(fileno(*file));
}

static int take(struct source *source, struct incoming *to, size_t max)
{
	struct fault why;

	return source->take(source, to, max, &CONTROL, &why);
}

static bool is_record(const struct incoming *record, const char *text, int64_t number)
{
	return record->len == strlen(text) && memcmp(record->bytes, text, record->len) == 0 &&
	       record->number == number && record->partition == -1 && record->offset == -1;
}

static void lines(void)
{
	struct incoming got[3];
	FILE *file;
	struct source *source = source_of("one\n\ntwo\nthree", 14, &file);

	is_int(take(source, got, 3), 3, "three lines are taken at once");
	ok(is_record(&got[0], "one", 1) && is_record(&got[1], "", 2) &&
		   is_record(&got[2], "two", 3),
	   "an empty line is a record, too");
	is_int(take(source, got, 3), 1, "a last line without a newline counts");
	ok(is_record(&got[0], "three", 4), "with its number");
	is_int(take(source, got, 3), 0, "then the end");
	is_int(take(source, got, 3), 0, "and the end again");
	ok(ended(source) == 1 && source->idle(source), "and it says so");
	source->close(source);
	fclose(file);
}

/* A line longer than the block is handed over cut, its rest is skipped, the next one is whole. */
static void long_line(size_t len)
{
	char *bytes = malloc(len + 16);
	struct incoming got;
	struct source *source;
	FILE *file;

	memcpy(bytes, "a\n", 2);
	memset(bytes + 2, 'x', len);
	memcpy(bytes + 2 + len, "\nb\nc", 4);
	source = source_of(bytes, len + 6, &file);
	ok(take(source, &got, 1) == 1 && is_record(&got, "a", 1), "the line before is whole");
	ok(take(source, &got, 1) == 1 && got.number == 2 &&
		   got.len == (len < MEBIBYTE ? len : MEBIBYTE),
	   "the long line is one record, at most a mebibyte of it");
	ok(take(source, &got, 1) == 1 && is_record(&got, "b", 3), "the line behind is whole");
	ok(take(source, &got, 1) == 1 && is_record(&got, "c", 4), "and the last");
	is_int(take(source, &got, 1), 0, "then the end");
	source->close(source);
	fclose(file);
	free(bytes);
}

static void pauses(void)
{
	struct incoming got[4];
	int fds[2];
	struct source *source;

	ok(pipe(fds) == 0, "a pipe");
	source = open_source(fds[0]);
	ok(source->idle(source), "nothing written: idle");
	ok(write(fds[1], "one\ntw", 6) == 6, "a line and a half");
	ok(!source->idle(source), "not idle");
	is_int(take(source, got, 4), 1, "what is there is taken, the half line is not waited for");
	ok(is_record(&got[0], "one", 1), "the whole line");
	ok(source->idle(source) && ended(source) == 0, "half a line is idle, and not the end");
	ok(write(fds[1], "o\n", 2) == 2, "the other half");
	is_int(take(source, got, 4), 1, "the second line");
	ok(is_record(&got[0], "two", 2), "put together");
	stop_asked = true;
	ok(write(fds[1], "x", 1) == 1, "half a line more");
	close(fds[1]);
	is_int(take(source, got, 4), 1, "what has come is taken even when asked to stop");
	stop_asked = false;
	source->close(source);
	close(fds[0]);
}

static int waits;

static int waiting(void *self, struct fault *why)
{
	int *drain = self;
	char bytes[PIPE_BUF];

	(void)why;
	waits++;
	return read(*drain, bytes, sizeof bytes) > 0 ? 0 : -1;
}

/* Every write is of whole records, so a reader that gets PIPE_BUF at a time never sees half a one. */
static void whole_records(void)
{
	char record[1000], bytes[PIPE_BUF];
	struct fault why;
	struct sink *sink;
	bool torn = false;
	int fds[2], filled = 0;

	ok(pipe2(fds, O_DIRECT) == 0, "a pipe that keeps each write apart");
	sink = open_sink(fds[1]);
	memset(record, 'r', sizeof record);
	for (int i = 0; i < 40; i++)
		filled += put(sink, i % 2 ? TOPIC_WINNERS : TOPIC_ISSUED, record, 700 + (size_t)i,
			      &why);
	filled +=
		put(sink, TOPIC_REQUESTS, record, 1, &why) + put(sink, TOPIC_DEAD, record, 1, &why);
	is_int(filled + commit(sink, &why), COMMITTED,
	       "forty records are put, those of other topics are not written");
	for (int left = 40; left > 0;) {
		ssize_t got = read(fds[0], bytes, sizeof bytes);

		torn = torn || got <= 0 || bytes[got - 1] != '\n';
		for (ssize_t b = 0; b < got; b++)
			left -= bytes[b] == '\n';
		if (got <= 0)
			break;
	}
	ok(!torn, "each write ends with a record");
	sink->close(sink);
	close(fds[0]);
	close(fds[1]);
}

static void blocked(void)
{
	char record[500];
	struct fault why;
	struct sink *sink;
	int fds[2], result = 0;

	ok(pipe(fds) == 0, "a pipe nobody reads");
	sink = open_sink(fds[1]);
	sink->waiting = waiting;
	sink->waiting_self = &fds[0];
	memset(record, 'r', sizeof record);
	for (int i = 0; i < 140 && result == 0; i++)
		result = put(sink, TOPIC_WINNERS, record, sizeof record, &why);
	ok(result == 0 && waits > 0, "a full pipe calls `waiting`, and goes on when it is read");
	close(fds[0]);
	ok(put(sink, TOPIC_WINNERS, record, sizeof record, &why) < 0 || commit(sink, &why) < 0,
	   "a reader gone is a fault");
	is_int(why.status, EX_IOERR, "of output lost");
	sink->close(sink);
	close(fds[1]);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	lines();
	long_line(1000);
	long_line(MEBIBYTE - 2);
	long_line(MEBIBYTE);
	long_line(3 * MEBIBYTE + 17);
	pauses();
	whole_records();
	blocked();
	return done_testing();
}
