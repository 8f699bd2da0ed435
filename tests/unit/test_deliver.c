/* deliver.c: records through real commands that hang, die, talk nonsense, answer late or twice. */
#include "clock.h"
#include "deliver.h"
#include "remedy.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ID "11111111-2222-4333-8444-555555555555"

/* A shell's loop over records: i is the id, t the ticket; and its answers. */
#define EACH                                                                                         \
	"while IFS= read -r l; do i=${l#*\\\"id\\\":\\\"}; i=${i%%\\\"*}; t=${l#*\\\"ticket\\\":}; " \
	"t=${t%%,*}; "
#define OK "printf '{\"id\":\"%s\",\"ticket\":%s,\"ok\":true}\\n' $i $t; "
#define NO(rest) "printf '{\"id\":\"%s\",\"ticket\":%s,\"ok\":false,%s}\\n' $i $t '" rest "'; "
#define DONE "done"
/* Each start leaves a line in $LOG. */
#define START "echo start >>$LOG; "
#define TRY "echo $t >>$LOG; "
/* What it has said is all that it says: from here on nobody needs to wait for it. */
#define HUNG "echo $$ >$LOG.hung; "

enum { MOST = 10000 };

static struct issued issued[MOST];
static struct parcel parcel[MOST];
static char log_path[] = "/tmp/fcfs-deliver.XXXXXX";
static char self_path[4096];

/* --- time -------------------------------------------------------------------------------------
 * No command must be quick here, however slow the machine is: each has a minute. To wait for one that
 * hangs takes no time, and all other time is as the test says. */

enum { SLICE_MS = 5 };

static int64_t skipped_ms;  /* the clock is so much ahead */
static int64_t answer_ms;   /* how long it is to have taken each time that something was read */
static const char *awaited; /* time stands still until this line is in the log */

static int lines(const char *text)
{
	FILE *file = fopen(log_path, "r");
	char line[256];
	int count = 0;

	while (file && fgets(line, sizeof line, file))
		count += strncmp(line, text, strlen(text)) == 0 && line[strlen(text)] == '\n';
	if (file)
		fclose(file);
	return count;
}

/* In the place of libc's. */
int clock_gettime(clockid_t id, struct timespec *now)
{
	static struct timespec last;
	int result = (int)syscall(SYS_clock_gettime, id, now);

	if (id != CLOCK_MONOTONIC)
		return result;
	now->tv_nsec += skipped_ms % 1000 * 1000000;
	now->tv_sec += skipped_ms / 1000 + now->tv_nsec / 1000000000;
	now->tv_nsec %= 1000000000;
	if (awaited && lines(awaited) == 0)
		*now = last;
	last = *now;
	return result;
}

/* The command has said so, and is still there. */
static bool is_hung(void)
{
	char path[64], text[32] = "";
	FILE *file;

	snprintf(path, sizeof path, "%s.hung", log_path);
	file = fopen(path, "r");
	if (!file)
		return false;
	(void)!fgets(text, sizeof text, file);
	fclose(file);
	return strchr(text, '\n') && kill((pid_t)atol(text), 0) == 0;
}

/* In the place of libc's. It looks whether the command hangs first: what that said before can be read by then. */
int poll(struct pollfd *fds, nfds_t count, int ms)
{
	for (;;) {
		bool hung = is_hung();
		int slice_ms = hung ? 0 : ms < SLICE_MS ? ms : SLICE_MS;
		struct timespec slice = {.tv_nsec = slice_ms * 1000000L};
		int ready = ppoll(fds, count, &slice, NULL);

		if (ready > 0 && fds[0].revents)
			skipped_ms += answer_ms;
		if (ready != 0)
			return ready;
		if (hung)
			skipped_ms += ms;
		ms -= slice_ms;
		if (hung || ms <= 0)
			return 0;
	}
}

/* --- people to talk to ------------------------------------------------------------------------ */

static int complaints, notes, stop_calls, waits;
static char said[1024];

static bool stopping(void)
{
	return stop_calls > 0 && --stop_calls == 0 ? (stop_calls = 1, true) : false;
}

static void complain(const char *line)
{
	complaints++;
	snprintf(said, sizeof said, "%s", line);
}

static void note(const char *line)
{
	(void)line;
	notes++;
}

static void count_nothing(int64_t done)
{
	(void)done;
}

static const struct control CONTROL = {
	.stopping = stopping,
	.stop_fd = -1,
	.complain = complain,
	.warn = complain,
	.note = note,
	.progress = count_nothing,
};

/* --- batches ---------------------------------------------------------------------------------- */

static struct deliver_options options;
static struct deliver *d;
static struct fault why;

/* What each command is given, until a test says otherwise. */
static void begin(const char *command)
{
	options = (struct deliver_options){.command = command,
					   .window = 10,
					   .timeout_ms = 60000,
					   .retry = {.retries = 2, .max_ms = 20}};
	complaints = notes = stop_calls = waits = 0;
	*said = '\0';
	(void)!truncate(log_path, 0);
	memset(&why, 0, sizeof why);
	d = NULL;
}

static int deliver(int count)
{
	if (!d && deliver_open(&options, &CONTROL, &d, &why) < 0)
		return -1;
	for (int i = 0; i < count; i++)
		parcel[i] = (struct parcel){.issued = &issued[i]};
	return deliver_batch(d, parcel, (size_t)count, NULL, NULL, &why);
}

static void end(void)
{
	deliver_close(d);
	d = NULL;
	ok(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "no process is left");
}

static int having(enum verdict verdict, int count)
{
	int found = 0;

	for (int i = 0; i < count; i++)
		found += parcel[i].verdict == verdict;
	return found;
}

static void all_delivered(const char *command, int count, int starts, const char *name)
{
	begin(command);
	is_int(deliver(count), 0, name);
	is_int(having(DELIVERED, count), count, "all are delivered");
	is_int(lines("start"), starts, "by so many processes");
	end();
}

/* --- answers ---------------------------------------------------------------------------------- */

static void plain(void)
{
	begin(START EACH OK DONE);
	is_int(deliver(0), 0, "nothing to deliver");
	is_int(lines("start"), 0, "starts nothing");
	is_int(deliver(25), 0, "25 records, more than the window");
	is_int(having(DELIVERED, 25), 25, "are delivered");
	ok(parcel[24].attempts == 1 && parcel[24].first_us == 0 && parcel[24].last_us == 0,
	   "at once");
	ok(parcel[24].delivered_us > 0 && !*parcel[24].why, "and it is known when");
	is_int(deliver(3), 0, "a second batch");
	is_int(lines("start"), 1, "goes to the same process");
	is_int(complaints + notes, 0, "nothing is said");
	end();
}

static void order(void)
{
	begin("while IFS= read -r a && IFS= read -r b && IFS= read -r c; do "
	      "for l in \"$c\" \"$a\" \"$b\"; do echo \"$l\"; done | " EACH OK DONE "; done");
	is_int(deliver(30), 0, "answers out of order");
	is_int(having(DELIVERED, 30), 30, "find their records");
	end();
	begin(EACH "case $t in 1) late=$i;; *) " OK "esac; "
		   "[ $t != 30 ] || { t=1; i=$late; " OK "}; " DONE);
	is_int(deliver(30), 0, "the first is answered last");
	is_int(having(DELIVERED, 30), 30, "and the window moved on without it");
	end();
}

static void twice(void)
{
	begin(EACH OK OK DONE);
	is_int(deliver(20), 0, "each is answered twice");
	is_int(having(DELIVERED, 20), 20, "all are delivered");
	ok(complaints <= 1 && notes == 1, "it is noted once");
	end();
	begin(EACH NO("\"retry\":false") OK DONE);
	is_int(deliver(1), 0, "no, then yes");
	is_int(parcel[0].verdict, UNDELIVERABLE, "the first answer counts");
	end();
}

static void twins(void)
{
	begin(EACH TRY "[ $t = 2 ] && " NO("\"retry\":false") " [ $t = 2 ] || " OK DONE);
	issued[3] = issued[1];
	is_int(deliver(5), 0, "a ticket twice in a batch");
	is_int(lines("2"), 1, "is asked once");
	ok(parcel[1].verdict == UNDELIVERABLE && parcel[3].verdict == UNDELIVERABLE,
	   "and both have the answer");
	is_int(having(DELIVERED, 5), 3, "as have the others");
	issued[3].winner.ticket = 4;
	end();
}

static void nonsense(void)
{
	begin(EACH "echo hello; echo; echo '[]'; echo '{\"id\":1}'; echo '{\"id\":\"" ID
		   "\",\"ticket\":1}'; printf '\\0\\377\\n'; " OK DONE);
	is_int(deliver(20), 0, "nonsense between the answers");
	is_int(having(DELIVERED, 20), 20, "all are delivered");
	is_int(complaints, 1, "it is complained of once");
	is_str(said, "delivery: an answer is ignored: not JSON", "and why");
	deliver(1);
	is_int(complaints, 2, "and in the next batch once more");
	end();
	begin(EACH "x=$t; t=777; " OK "t=$x; " OK DONE);
	is_int(deliver(20), 0, "answers to what was not asked");
	is_int(having(DELIVERED, 20), 20, "all are delivered");
	is_str(said, "delivery: an answer for ticket 777 is ignored: nobody asked", "it is said");
	is_int(complaints, 1, "once");
	end();
}

static void shapes(void)
{
	all_delivered(START EACH
		      "printf '{\"id\":\"%s\",' $i; sleep 0.02; printf '\"ticket\":%s,' $t; "
		      "sleep 0.02; printf '\"ok\":true}\\n'; " DONE,
		      4, 1, "answers in pieces");
	all_delivered(START EACH
		      "printf '{\"x\":[1,{}],\"ok\":true,\"ticket\":%s,\"id\":\"%s\"}\\r\\n' $t "
		      "$i; " DONE,
		      4, 1, "other fields, another order, a CR at the end");
	all_delivered(START "IFS= read -r l; i=" ID "; t=1; printf '{\"id\":\"%s\",\"ticket\":%s,"
			    "\"ok\":true}' $i $t; exit",
		      1, 1, "a last line without a newline");
	begin(EACH "head -c 300000 /dev/zero | tr '\\0' x; echo; " OK DONE);
	is_int(deliver(3), 0, "a huge line between the answers");
	is_int(having(DELIVERED, 3), 3, "all are delivered");
	is_str(said, "delivery: an answer is ignored: too long", "and it is said");
	is_int(complaints, 1, "once");
	end();
	begin(EACH "head -c 65536 /dev/zero | tr '\\0' x; " NO("\"retry\":false") OK DONE);
	is_int(deliver(3), 0, "a line too long that ends like an answer");
	is_int(having(DELIVERED, 3), 3, "is none");
	end();
}

/* --- failures --------------------------------------------------------------------------------- */

static void refused(void)
{
	begin(EACH TRY "case $t in 3) " NO(
		"\"retry\":false,\"why\":\"no such address\"") ";; *) " OK "esac; " DONE);
	is_int(deliver(5), 0, "one is refused for good");
	ok(parcel[2].verdict == UNDELIVERABLE && parcel[2].attempts == 1, "undeliverable, at once");
	is_str(parcel[2].why, "no such address", "with its reason");
	ok(parcel[2].first_us > 0 && parcel[2].last_us == parcel[2].first_us, "and its time");
	is_int(lines("3"), 1, "it is asked once");
	is_int(having(DELIVERED, 5), 4, "the others are delivered");
	end();
	begin(EACH NO("\"retry\":false,\"why\":\"CODE-1 is not CODE-1\\u001b[0m\"") DONE);
	deliver(1);
	is_str(parcel[0].why, "[code] is not [code]\\x1B[0m",
	       "no code and no control gets through");
	end();
	begin(EACH
	      "w=$(printf 'x%0100d' 0 | sed 's/0/ü/g'); "
	      "printf '{\"id\":\"%s\",\"ticket\":%s,\"ok\":false,\"retry\":false,\"why\":\"%s\"}\\n' "
	      "$i $t \"$w\"; " DONE);
	deliver(1);
	is_int((int64_t)strlen(parcel[0].why), 159, "a long reason is cut between characters");
	end();
}

static void again(void)
{
	begin(START EACH TRY "n=$(grep -cx $t $LOG); if [ $t = 2 ] && [ $n -lt 3 ]; then " NO(
		"\"retry\":true,\"why\":\"busy\"") "else " OK "fi; " DONE);
	is_int(deliver(20), 0, "one is to be tried again");
	ok(parcel[1].verdict == DELIVERED && parcel[1].attempts == 3, "twice, and is delivered");
	is_str(parcel[1].why, "busy", "the last failure's reason stays");
	ok(parcel[1].first_us > 0 && parcel[1].last_us > parcel[1].first_us &&
		   parcel[1].delivered_us >= parcel[1].last_us,
	   "and the times");
	is_int(having(DELIVERED, 20), 20, "so are the others");
	is_int(lines("start"), 1, "by one process");
	end();
	begin(EACH TRY "[ $t = 2 ] && " NO("\"why\":\"busy\"") "[ $t = 2 ] || " OK DONE);
	options.window = 1;
	is_int(deliver(4), 0, "one is busy for ever, and does not say retry");
	ok(parcel[1].verdict == EXHAUSTED && parcel[1].attempts == 3, "its tries are used up");
	is_int(lines("2"), 3, "the first and --retries more");
	is_int(having(DELIVERED, 4), 3, "the others do not wait for it");
	end();
	begin(EACH NO("\"retry\":true") DONE);
	options.retry.retries = 0;
	is_int(deliver(4), 0, "no retries, and all are busy");
	is_int(having(EXHAUSTED, 4), 4, "all are exhausted");
	end();
}

static void dies(void)
{
	all_delivered(START EACH OK "[ $t != 5 ] || exit 3; " DONE, 12, 2, "dies after answering");
	is_str(said, "the command ended with status 3", "it is said");
	all_delivered(START EACH "[ $t$(grep -c start $LOG) != 51 ] || kill -9 $$; " OK DONE, 12, 2,
		      "is killed before it answers");
	is_str(said, "the command was killed by signal 9", "it is said");
	is_int(parcel[4].attempts, 1, "nobody is charged for a first death");
	all_delivered(START "IFS= read -r l; echo \"$l\" | " EACH OK DONE, 12, 12,
		      "answers one, and ends");
	begin(START EACH "[ $t != 7 ] || exit 9; " OK DONE);
	is_int(deliver(30), 0, "dies over one record, always");
	ok(parcel[6].verdict == EXHAUSTED && parcel[6].attempts == 3, "that one is exhausted");
	is_str(parcel[6].why, "the command ended with status 9", "and why");
	is_int(having(DELIVERED, 30), 29, "the others are delivered");
	is_int(lines("start"), 4, "it was asked with others once, then three times alone");
	is_int(complaints, 1, "one is said");
	end();
}

static void never_works(void)
{
	begin(START "exit 3");
	is_int(deliver(5), -1, "a command that only ever dies ends the run");
	is_int(why.status, EX_UNAVAILABLE, "with 69");
	is_str(why.line,
	       "delivery: the command ended with status 3: repair it and run again: what it has not "
	       "answered comes again",
	       "and what to do");
	is_int(lines("start"), 9, "after each of the five was tried, the first four alone, too");
	is_int(having(DELIVERED, 5), 0, "nothing is delivered");
	end();
	begin(START "exit 3");
	ok(deliver(1) == -1 && why.status == EX_UNAVAILABLE, "with a single record, too");
	is_int(lines("start"), 4, "after its tries");
	end();
	begin(START "no-such-command-here");
	ok(deliver(5) == -1 && why.status == EX_CONFIG, "no such command: 78");
	is_int(lines("start"), 1, "at once");
	end();
	begin(START EACH OK "[ $t != 3 ] || no-such-command; [ $t != 3 ] || exit 127; " DONE);
	is_int(deliver(5), 0, "but not from one that has answered");
	end();
}

/* A killed process is gone a while after the signal: waits for it. */
static bool ends(const char *pid)
{
	int fd = pidfd_open((pid_t)atol(pid), 0);
	bool ended;

	if (fd < 0)
		return errno == ESRCH;
	ended = poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 30000) == 1;
	close(fd);
	return ended;
}

static void hangs(void)
{
	char pid[32] = "";
	FILE *file;

	begin(START EACH "[ $t != 5 ] || { sleep 1000 & echo $! >$LOG.pid; " HUNG
			 "wait; }; " OK DONE);
	options.retry.retries = 1;
	is_int(deliver(12), 0, "hangs over one record");
	ok(parcel[4].verdict == EXHAUSTED && parcel[4].attempts == 2, "that one is exhausted");
	is_str(parcel[4].why, "the command gave no answer within 60000 ms", "and why");
	is_int(having(DELIVERED, 12), 11, "the others are delivered");
	is_int(lines("start"), 2, "by two processes");
	end();
	snprintf(said, sizeof said, "%s.pid", log_path);
	file = fopen(said, "r");
	ok(file && fgets(pid, sizeof pid, file), "a process of its group");
	fclose(file);
	unlink(said);
	ok(ends(pid), "ended with it");
	begin(START HUNG "sleep 1000");
	options.retry.retries = 0;
	ok(deliver(5) == -1 && why.status == EX_UNAVAILABLE, "hangs for ever: 69");
	is_int(lines("start"), 5, "after each was tried");
	end();
	begin(START "yes");
	options.timeout_ms = 100;
	options.retry.retries = 0;
	ok(deliver(5) == -1 && why.status == EX_UNAVAILABLE, "talks for ever, answers nothing: 69");
	end();
	/* loses one and goes on */
	begin(EACH TRY "[ $t = 1 ] || " OK "[ $(wc -l <$LOG) -lt 40 ] || " HUNG DONE);
	options.retry.retries = 1;
	is_int(deliver(40), 0, "one is never answered");
	is_int(parcel[0].verdict, EXHAUSTED, "its time is its own");
	is_int(having(DELIVERED, 40), 39, "the others are delivered");
	end();
}

/* Records that are the death of any process, beside others: it is theirs, not the command's. */
static void each_its_own(const char *command, int bad, const char *name)
{
	begin(command);
	is_int(deliver(12), 0, name);
	is_int(having(EXHAUSTED, 12), bad, "each ends exhausted");
	is_int(having(DELIVERED, 12), 12 - bad, "the others are delivered");
	end();
}

static void several(void)
{
	each_its_own(EACH "case $t in 4|9) exit 9; esac; " OK DONE, 2, "dies over two records");
	each_its_own(EACH "case $t in 4|5|12) kill -9 $$; esac; " OK DONE, 3,
		     "is killed over three");
	each_its_own(EACH "case $t in 1|2|3) exit 9; esac; " OK DONE, 3,
		     "dies over the first three, before it is ever heard of");
	each_its_own(EACH "case $t in 4|9) " HUNG "sleep 1000; esac; " OK DONE, 2,
		     "hangs over two");
	each_its_own(EACH "case $t in 1|2|7) " HUNG "sleep 1000; esac; " OK DONE, 3,
		     "hangs over three");
	begin(START EACH "[ $t = 1 ] || exit 9; " OK DONE);
	ok(deliver(12) == -1 && why.status == EX_UNAVAILABLE,
	   "answers one, then dies over all others: 69");
	is_int(having(EXHAUSTED, 12), 0, "and nobody is blamed");
	is_int(lines("start"), 11, "after two processes for each of five, and the sixth");
	end();
}

/* Slow, one after the other: each has the whole time, however many are before it. */
static void slow(void)
{
	begin(START EACH "sleep 0.02; " OK DONE); /* so each is read alone, mostly */
	answer_ms = 40000;
	is_int(deliver(10), 0, "ten records at 40 s each, a minute for one");
	is_int(lines("start"), 1, "are in time");
	answer_ms = 0;
	end();
}

static void full_pipes(void)
{
	begin("sleep 0.3; " EACH "printf '%2000d\\n' 0; " OK DONE);
	options.window = 2000;
	is_int(deliver(2000), 0, "both pipes are full");
	is_int(having(DELIVERED, 2000), 2000, "and nobody waits for the other");
	end();
}

static void idle_end(void)
{
	begin(START "n=0; " EACH OK "n=$((n+1)); [ $n != 3 ] || exit 0; " DONE);
	deliver(3);
	waitid(P_ALL, 0, &(siginfo_t){0}, WEXITED | WNOWAIT);
	is_int(deliver(3), 0, "it ended between two batches");
	is_int(having(DELIVERED, 3), 3, "a new one takes the second");
	is_int(complaints, 0, "nothing is said");
	is_int(parcel[0].attempts, 1, "nobody is charged");
	end();
}

/* --- the world around ------------------------------------------------------------------------- */

static void stops(void)
{
	begin(EACH "sleep 0.05; " OK DONE);
	options.window = 5;
	stop_calls = 2;
	is_int(deliver(20), 1, "asked to stop");
	is_int(having(DELIVERED, 5), 5, "what was asked is waited for");
	is_int(having(UNDELIVERED, 20), 15, "the rest stays undone");
	end();
	begin(HUNG "sleep 1000");
	stop_calls = 2;
	is_int(deliver(20), 1, "asked to stop while it hangs");
	is_int(having(UNDELIVERED, 20), 20, "the time-out ends it");
	end();
}

static int no_more(void *self, struct fault *fault)
{
	waits++;
	return *(int *)self == waits ? fault_set(fault, EX_TEMPFAIL, "thrown out") : 0;
}

static void tends(void)
{
	int enough = 2;

	begin(HUNG "sleep 1000");
	deliver_open(&options, &CONTROL, &d, &why);
	for (int i = 0; i < 5; i++)
		parcel[i] = (struct parcel){.issued = &issued[i]};
	is_int(deliver_batch(d, parcel, 5, no_more, &enough, &why), -1, "who waits may end it");
	ok(why.status == EX_TEMPFAIL && waits == 2, "with its own reason, called every second");
	end();
}

static void surroundings(void)
{
	int fds[2];
	sigset_t usr1;

	ok(pipe2(fds, O_CLOEXEC) == 0, "open descriptors");
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	begin("sed -n 's/^Sig\\(Ign\\|Blk\\):.*\\(.\\{7\\}\\)$/\\2/p' /proc/self/status >>$LOG; "
	      "for f in /proc/self/fd/*; do echo ${f##*/} >>$LOG; done; " EACH OK DONE);
	deliver(1);
	is_int(lines("0000000"), 2, "no signal is ignored or blocked");
	ok(lines("0") == 1 && lines("1") == 1 && lines("2") == 1 && lines("4") == 0 &&
		   lines("5") == 0 && lines("6") == 0,
	   "three descriptors, and none of ours");
	end();
	sigprocmask(SIG_UNBLOCK, &usr1, NULL);
	close(fds[0]);
	close(fds[1]);
	begin(EACH OK DONE "; echo bye >>$LOG; yes");
	deliver(1);
	awaited = "bye";
	end();
	awaited = NULL;
	is_int(lines("bye"), 1, "its input ends, and it has time to end, too");
}

static void many(void)
{
	char command[sizeof self_path + 32];
	int64_t start_us = clock_us(), took_us;

	snprintf(command, sizeof command, "exec '%s' answer", self_path);
	begin(command);
	options.window = DELIVER_WINDOW;
	is_int(deliver(MOST), 0, "10,000 records");
	took_us = clock_us() - start_us;
	is_int(having(DELIVERED, MOST), MOST, "are delivered");
	printf("# %lld records/s\n", (long long)MOST * 1000000 / (took_us + 1));
	end();
}

/* --- pauses ----------------------------------------------------------------------------------- */

static void pauses(void)
{
	const struct retry retry = {.retries = 5, .max_ms = 500};
	int64_t most[8] = {0}, least = 100;

	for (int n = 0; n < 2000; n++)
		for (int failures = 1; failures < 8; failures++) {
			int64_t ms = retry_delay_ms(&retry, failures);

			if (ms < 0 || ms > most[failures])
				most[failures] = ms;
			if (ms < least)
				least = ms;
		}
	ok(least < 10, "there may be next to none");
	ok(most[1] > 80 && most[1] <= 100, "the first pause is up to 100 ms");
	ok(most[2] > 160 && most[2] <= 200, "the second up to 200");
	ok(most[3] > 320 && most[3] <= 400, "the third up to 400");
	ok(most[4] > 400 && most[4] <= 500 && most[7] <= 500, "none is longer than the longest");
	ok(retry_delay_ms(&retry, 1000000) <= 500, "not after a million failures, either");
	ok(remedy_of(PART_DELIVERY, EX_UNAVAILABLE) == REMEDY_AGAIN &&
		   remedy_of(PART_DELIVERY, EX_DATAERR) != REMEDY_AGAIN &&
		   remedy_of(PART_DELIVERY, 99) != REMEDY_AGAIN,
	   "what is not in the table is permanent");
}

/* The fast co-process. */
static int answer_all(void)
{
	char line[4096];

	while (fgets(line, sizeof line, stdin)) {
		const char *ticket = strstr(line, "\"ticket\":");

		if (printf("{\"id\":\"" ID "\",\"ticket\":%d,\"ok\":true}\n", atoi(ticket + 9)) <
			    0 ||
		    fflush(stdout) != 0)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return answer_all();
	signal(SIGPIPE, SIG_IGN);
	close(mkstemp(log_path));
	setenv("LOG", log_path, 1);
	(void)!realpath(argv[0], self_path);
	for (int i = 0; i < MOST; i++) {
		issued[i] = (struct issued){
			.winner = {.event = "e", .id = ID, .user = "ann", .ticket = i + 1}};
		snprintf(issued[i].code, sizeof issued[i].code, "CODE-%d", i + 1);
	}
	plain();
	order();
	twice();
	twins();
	nonsense();
	shapes();
	refused();
	again();
	dies();
	never_works();
	hangs();
	several();
	slow();
	full_pipes();
	idle_end();
	stops();
	tends();
	surroundings();
	many();
	pauses();
	unlink(log_path);
	snprintf(said, sizeof said, "%s.hung", log_path);
	unlink(said);
	return done_testing();
}
