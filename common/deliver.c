#include "clock.h"
#include "coprocess.h"
#include "deliver_private.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUT_MAX = 65536, TICK_MS = 1000, GRACE_MS = 2000, SUSPECTS_MOST = 5 };

enum remark { NONSENSE, UNKNOWN, TWICE, ENDED, REMARKS };

struct deliver {
	struct deliver_options options;
	const struct control *control;
	struct coprocess process;
	struct buffer out; /* records it has not taken yet, */
	size_t written;	   /* but for so many bytes */
	size_t got;	   /* bytes of its answers in `in` */
	bool skipping;	   /* the rest of a line that was too long */
	bool answered;	   /* this process has */
	bool ever;	   /* any has */
	int barren;	   /* processes in a row that did not answer, */
	int suspects;	   /* over so many records */
	unsigned streak;   /* a number for each such row */
	int unstarted;	   /* tries in a row that gave no process */
	int64_t start_ms;  /* not started before */
	/* of the batch */
	struct batch batch;
	bool stopping;
	bool made[REMARKS];
	int64_t tended_ms;
	int (*waiting)(void *self, struct fault *why);
	void *self;
	char in[RECORD_MAX];
};

static bool is_running(const struct deliver *d)
{
	return d->process.pid > 0;
}

static void remark(struct deliver *d, enum remark what, const char *line)
{
	if (!d->made[what])
		(what == TWICE ? d->control->note : d->control->complain)(line);
	d->made[what] = true;
}

/* --- the end of a process --------------------------------------------------------------------- */

static void describe(char *line, size_t size, int status)
{
	bool killed = WIFSIGNALED(status);

	snprintf(line, size, "the command %s %d",
		 killed ? "was killed by signal" : "ended with status",
		 killed ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* The shell's way to say that there is no such command, or that it is none. */
static bool is_no_command(int status)
{
	return WIFEXITED(status) && (WEXITSTATUS(status) == 127 || WEXITSTATUS(status) == 126);
}

static int give_up(int status, const char *what, struct fault *why)
{
	return fault_set(why, status,
			 "delivery: %s: repair it and run again: what it has not answered comes "
			 "again",
			 what);
}

/* Invariant 5: it is not this or that record, it is the command. */
static bool is_to_blame(const struct deliver *d)
{
	if (d->suspects > SUSPECTS_MOST)
		return true;
	return !d->ever && d->barren > d->options.retry.retries + 2 &&
	       !batch_has_other(&d->batch, d->streak);
}

/* The process is no more over this record; what was asked is asked again. -1: it is no record's fault. */
static int go_on(struct deliver *d, struct slot *over, const char *what, struct fault *why)
{
	if (d->barren > 0 && over->streak != d->streak) {
		over->streak = d->streak;
		d->suspects++;
	}
	batch_ask_again(&d->batch);
	remark(d, ENDED, what);
	return is_to_blame(d) ? give_up(EX_UNAVAILABLE, what, why) : 0;
}

static void count_barren(struct deliver *d)
{
	d->barren = d->answered ? 0 : d->barren + 1;
	if (d->barren == 0) {
		d->suspects = 0;
		d->streak++;
	}
	d->start_ms = clock_ms() + (d->barren ? retry_delay_ms(&d->options.retry, d->barren) : 0);
	d->answered = false;
}

/* Its status. */
static int end_process(struct deliver *d, int grace_ms)
{
	buffer_clear(&d->out);
	d->written = d->got = 0;
	d->skipping = false;
	count_barren(d);
	return coprocess_end(&d->process, grace_ms);
}

static void blame(struct deliver *d, struct slot *slot, const char *what)
{
	batch_fail(&d->batch, slot, &d->options.retry, EX_UNAVAILABLE, what);
}

static int process_ended(struct deliver *d, struct fault *why)
{
	struct slot *oldest = TAILQ_FIRST(&d->batch.asked);
	int status = end_process(d, GRACE_MS);
	char line[64];

	describe(line, sizeof line, status);
	if (is_no_command(status) && !d->ever)
		return give_up(EX_CONFIG, line, why);
	if (!oldest) /* it has every right to */
		return 0;
	if (oldest->alone)
		blame(d, oldest, line);
	oldest->alone = true;
	return go_on(d, oldest, line, why);
}

/* While it talks the answer may be on its way, for as long again. */
static int expire(struct deliver *d, bool heard, struct fault *why)
{
	struct slot *oldest = TAILQ_FIRST(&d->batch.asked);
	int64_t limit_ms = d->options.timeout_ms * (heard ? 2 : 1);
	char line[64];

	if (!oldest || d->batch.now_ms - d->batch.oldest_ms < limit_ms)
		return 0;
	snprintf(line, sizeof line, "the command gave no answer within %" PRId64 " ms",
		 d->options.timeout_ms);
	end_process(d, 0);
	blame(d, oldest, line);
	return go_on(d, oldest, line, why);
}

/* --- what it says ----------------------------------------------------------------------------- */

static void take_answer(struct deliver *d, const char *bytes, size_t len)
{
	struct answer answer;
	struct slot *slot;
	struct fault bad;
	char line[160];

	if (record_read_answer(bytes, len, &answer, &bad) < 0) {
		snprintf(line, sizeof line, "delivery: an answer is ignored: %.100s", bad.line);
		remark(d, NONSENSE, line);
		return;
	}
	slot = batch_find(&d->batch, &answer);
	if (!slot || slot->state != ASKED) {
		snprintf(line, sizeof line,
			 "delivery: an answer for ticket %" PRId64 " is ignored: %s", answer.ticket,
			 slot ? "it is not the first" : "nobody asked");
		remark(d, slot ? TWICE : UNKNOWN, line);
		return;
	}
	d->answered = d->ever = true;
	if (answer.ok)
		batch_deliver(&d->batch, slot);
	else
		batch_fail(&d->batch, slot, &d->options.retry,
			   answer.retry ? EX_TEMPFAIL : EX_DATAERR, answer.why);
}

static void take_lines(struct deliver *d)
{
	size_t start = 0;
	char *newline;

	while ((newline = memchr(d->in + start, '\n', d->got - start))) {
		if (!d->skipping)
			take_answer(d, d->in + start, (size_t)(newline - d->in) - start);
		d->skipping = false;
		start = (size_t)(newline - d->in) + 1;
	}
	d->got -= start;
	memmove(d->in, d->in + start, d->got);
	if (d->got < sizeof d->in)
		return;
	remark(d, NONSENSE, "delivery: an answer is ignored: too long");
	d->skipping = true;
	d->got = 0;
}

/* One read. 1: something came, 0, -1. */
static int hear(struct deliver *d, struct fault *why)
{
	ssize_t got = read(d->process.from, d->in + d->got, sizeof d->in - d->got);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got > 0) {
		d->got += (size_t)got;
		take_lines(d);
		return 1;
	}
	if (d->got > 0 && !d->skipping) /* a last line without its newline */
		take_answer(d, d->in, d->got);
	return process_ended(d, why);
}

/* --- what it is asked ------------------------------------------------------------------------- */

/* One write. Who reads no more may still have answers under way: the end shows there. */
static void say(struct deliver *d)
{
	ssize_t wrote = write(d->process.to, d->out.bytes + d->written, d->out.len - d->written);

	if (wrote > 0)
		d->written += (size_t)wrote;
	if (wrote < 0 && errno != EAGAIN && errno != EINTR) {
		close(d->process.to);
		d->process.to = -1;
	}
	if (d->process.to < 0 || d->written == d->out.len) {
		buffer_clear(&d->out);
		d->written = 0;
	}
}

/* Who waits longest, if it may be asked now. */
static struct slot *next(const struct deliver *d)
{
	const struct batch *b = &d->batch;
	struct slot *slot = TAILQ_FIRST(&b->waiting), *oldest = TAILQ_FIRST(&b->asked);

	if (!slot || b->in_flight >= d->options.window || d->out.len >= OUT_MAX)
		return NULL;
	return oldest && (oldest->alone || slot->alone) ? NULL : slot;
}

static int start(struct deliver *d, struct fault *why)
{
	if (coprocess_start(&d->process, d->options.command, why) == 0) {
		d->unstarted = 0;
		return 0;
	}
	if (++d->unstarted > d->options.retry.retries ||
	    remedy_of(PART_DELIVERY, why->status) != REMEDY_AGAIN)
		return -1;
	d->start_ms = d->batch.now_ms + retry_delay_ms(&d->options.retry, d->unstarted);
	return 0;
}

static int ask(struct deliver *d, struct fault *why)
{
	struct slot *slot;

	batch_wake(&d->batch);
	if (!is_running(d) && next(d) && d->batch.now_ms >= d->start_ms && start(d, why) < 0)
		return -1;
	while (is_running(d) && d->process.to >= 0 && (slot = next(d))) {
		batch_ask(&d->batch, slot);
		record_issued(&d->out, slot->parcel->issued);
		buffer_text(&d->out, "\n");
	}
	return d->out.failed ? fault_set(why, EX_OSERR, "out of memory") : 0;
}

/* --- the loop --------------------------------------------------------------------------------- */

static void sooner(int64_t *ms, int64_t at_ms)
{
	if (at_ms < *ms)
		*ms = at_ms;
}

/* Until when there is nothing to do but to hear and to write. */
static int64_t wake_ms(const struct deliver *d)
{
	int64_t at_ms = d->tended_ms + TICK_MS;
	const struct slot *slot;

	if (!TAILQ_EMPTY(&d->batch.asked))
		sooner(&at_ms, d->batch.oldest_ms + d->options.timeout_ms);
	if (d->stopping)
		return at_ms;
	if (!is_running(d) && !TAILQ_EMPTY(&d->batch.waiting))
		sooner(&at_ms, d->start_ms);
	for (slot = TAILQ_FIRST(&d->batch.later); slot; slot = TAILQ_NEXT(slot, link))
		sooner(&at_ms, slot->due_ms);
	return at_ms;
}

static int turn(struct deliver *d, struct fault *why)
{
	struct pollfd fds[] = {
		{.fd = is_running(d) ? d->process.from : -1, .events = POLLIN},
		{.fd = d->out.len > 0 ? d->process.to : -1, .events = POLLOUT},
		{.fd = d->stopping ? -1 : d->control->stop_fd, .events = POLLIN},
	};
	int64_t wait_ms = wake_ms(d) - clock_ms();
	int heard = 0;

	if (poll(fds, 3, wait_ms > 0 ? (int)wait_ms : 0) < 0)
		return errno == EINTR ? 0 : fault_errno(why, EX_OSERR, "poll");
	d->batch.now_ms = clock_ms();
	if (fds[1].revents)
		say(d);
	if (fds[0].revents)
		heard = hear(d, why);
	return heard < 0 ? -1 : expire(d, heard > 0, why);
}

static int tend(struct deliver *d, struct fault *why)
{
	if (d->batch.now_ms - d->tended_ms < TICK_MS)
		return 0;
	d->tended_ms = d->batch.now_ms;
	return d->waiting ? d->waiting(d->self, why) : 0;
}

static int run(struct deliver *d, struct fault *why)
{
	if (is_running(d) && hear(d, why) < 0) /* it may have ended meanwhile */
		return -1;
	while (d->batch.unsettled > 0) {
		d->stopping = d->control->stopping();
		if (d->stopping && TAILQ_EMPTY(&d->batch.asked))
			return 1;
		if ((!d->stopping && ask(d, why) < 0) || turn(d, why) < 0 || tend(d, why) < 0)
			return -1;
	}
	if (d->batch.count > 0 && !d->ever)
		return give_up(EX_UNAVAILABLE, "the command never answers", why);
	return 0;
}

int deliver_batch(struct deliver *d, struct parcel *parcel, size_t count,
		  int (*waiting)(void *self, struct fault *why), void *self, struct fault *why)
{
	int result = batch_init(&d->batch, parcel, count, why);

	memset(d->made, 0, sizeof d->made);
	d->tended_ms = d->batch.now_ms;
	d->waiting = waiting;
	d->self = self;
	if (result == 0)
		result = run(d, why);
	if (d->batch.in_flight > 0 && is_running(d)) { /* late answers are not the next batch's */
		d->answered = true;		       /* nor is it to blame for having none */
		end_process(d, 0);
	}
	batch_release(&d->batch);
	return result;
}

int deliver_open(const struct deliver_options *options, const struct control *control,
		 struct deliver **deliver, struct fault *why)
{
	struct deliver *d = calloc(1, sizeof *d);

	*deliver = d;
	if (!d)
		return fault_errno(why, EX_OSERR, "delivery");
	d->options = *options;
	d->control = control;
	d->streak = 1;
	return 0;
}

void deliver_close(struct deliver *d)
{
	if (!d)
		return;
	if (is_running(d))
		coprocess_end(&d->process, GRACE_MS);
	buffer_release(&d->out);
	free(d);
}
