#include "ui.h"

#include "buffer.h"
#include "clock.h"
#include "parse.h"
#include "server.h"
#include "usage.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPTIONS_MAX = 40, PREFIX = 900, CONNECT_TIMEOUT, TIMEOUT, RECONNECT, WAIT };

static const struct ui_option COMMON[] = {
	{"redis", 'r', "URL", "redis://[user@]host[:port][/db] or unix:/path"},
	{"prefix", PREFIX, "P", "put P in front of every key and topic: a namespace"},
	{"connect-timeout", CONNECT_TIMEOUT, "D", "wait so long for a connection (3s)"},
	{"timeout", TIMEOUT, "D", "wait so long for an answer (5s)"},
	{"reconnect", RECONNECT, "D", "retry a lost connection for so long (30s)"},
	{"wait", WAIT, "N,MS", "what is written counts once N replicas have it (0)"},
	{"json", 'j', NULL, "write JSON lines"},
	{"quiet", 'q', NULL, "no warnings, no progress"},
	{"verbose", 'v', NULL, "say what was done and counted"},
	{"help", 'h', NULL, "show this"},
	{"version", 'V', NULL, "show the version"},
	{0},
};

/* Every tool takes them, so that one set of options fits all. */
static const struct ui_option KAFKA[] = {
	{"brokers", 'b', "BROKERS", "Kafka: HOST[:PORT][,...]; none is the pipe (none)"},
	{"property", 'X', "K=V", "a property of librdkafka's clients; again for more"},
	{"properties", 'F', "FILE", "more of them, K=V lines; secrets belong there"},
	{0},
};

struct ui ui;

static const struct ui_tool *tool;
static char **words; /* that it was called with */
static volatile sig_atomic_t stop_signal;
static int stop_pipe[2] = {-1, -1};

static _Noreturn void show_help(void)
{
	usage_print(stdout, tool, NULL);
	printf("%s\n\n", tool->about);
	usage_options(tool->options);
	if (tool->kafka)
		usage_options(KAFKA);
	usage_options(COMMON);
	exit(ui_finish(STATUS_YES, NULL));
}

_Noreturn void ui_misuse(const char *line)
{
	fprintf(stderr, "%s: %s\n", tool->name, line);
	usage_print(stderr, tool, words);
	fprintf(stderr, "help:  %s -h\n", tool->name);
	exit(EX_USAGE);
}

static size_t add_options(const struct ui_option *from, struct option *to, size_t n, char *letters)
{
	for (; from->name && n < OPTIONS_MAX; from++) {
		char form[3] = {(char)from->letter, from->argument ? ':' : '\0', '\0'};

		to[n++] = (struct option){from->name, from->argument != NULL, NULL, from->letter};
		if (from->letter < 256)
			strcat(letters, form);
	}
	return n;
}

static const struct ui_option *find_common(int letter)
{
	static const struct ui_option *const TABLES[] = {KAFKA, COMMON};

	for (size_t i = 0; i < sizeof TABLES / sizeof *TABLES; i++)
		for (const struct ui_option *o = TABLES[i]; o->name; o++)
			if (o->letter == letter)
				return o;
	return NULL;
}

static bool is_common(int letter)
{
	return letter == UI_FORCE || find_common(letter);
}

static int take_property(const char *value, struct fault *why)
{
	size_t n = 0;

	while (ui.property[n])
		n++;
	if (n == UI_PROPERTIES_MAX)
		return fault_set(why, EX_USAGE, "--property: at most %d", UI_PROPERTIES_MAX);
	if (*value == '=' || !strchr(value, '=')) /* it may be a password */
		return fault_set(why, EX_USAGE, "--property: expected K=V");
	ui.property[n] = value;
	return 0;
}

static int take_common(int letter, const char *value, struct fault *why)
{
	switch (letter) {
	case 'X':
		return take_property(value, why);
	case 'j':
		ui.json = true;
		return 0;
	case 'q':
		ui.quiet = true;
		return 0;
	case UI_FORCE:
		ui.force = true;
		return 0;
	case 'v':
		ui.verbose = true;
		return 0;
	case 'h':
		show_help();
	case 'V':
		printf("%s (fcfs) %s\n", tool->name, FCFS_VERSION);
		exit(ui_finish(STATUS_YES, NULL));
	default: /* a setting */
		return config_set_option(&ui.config, find_common(letter)->name, value, why);
	}
}

/* getopt's own messages would show the bytes as they came. */
static _Noreturn void refuse_option(int letter, const char *word)
{
	struct fault why;

	if (letter == ':')
		fault_set(&why, EX_USAGE, "option '%s' needs a value", word);
	else if (optopt > 255 || (optopt && is_common(optopt)))
		fault_set(&why, EX_USAGE, "option '%s' takes no value", word);
	else if (optopt)
		fault_set(&why, EX_USAGE, "unknown option '-%c'", optopt);
	else
		fault_set(&why, EX_USAGE, "unknown option '%s'", word);
	ui_misuse(why.line);
}

static void take_options(int argc, char **argv, void *request)
{
	struct option options[OPTIONS_MAX + 1] = {0};
	char letters[2 * OPTIONS_MAX + 2] = ":"; /* tells a missing value from an unknown option */
	struct fault why;
	size_t count = add_options(tool->options, options, 0, letters);
	int letter;

	opterr = 0;
	count = add_options(KAFKA, options, count, letters);
	add_options(COMMON, options, count, letters);
	while ((letter = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		int bad;

		if (letter == '?' || letter == ':')
			refuse_option(letter, argv[optind - 1]);
		bad = is_common(letter) ? take_common(letter, optarg, &why)
					: tool->take(request, letter, optarg, &why);
		if (bad)
			ui_misuse(why.line);
	}
}

static void on_signal(int number)
{
	int saved = errno;

	if (stop_signal) {
		signal(number, SIG_DFL);
		raise(number);
	}
	stop_signal = number;
	(void)!write(stop_pipe[1], "", 1);
	errno = saved;
}

/* A descriptor that was closed before we began must not become a connection: it is opened so that
 * its use fails, as it would have. */
static void occupy_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			_exit(EX_OSERR);
}

static void install_signals(void)
{
	/* A write to a slow reader goes on: cut short, stdio would give up its answers. */
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	if (pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		stop_pipe[0] = stop_pipe[1] = -1;
	ui_control.stop_fd = stop_pipe[0];
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

char **ui_start(const struct ui_tool *which, int argc, char **argv, void *request)
{
	struct fault why;

	occupy_descriptors();
	tool = which;
	words = argv + 1;
	if (config_load(&ui.config, &why) < 0)
		exit(ui_finish(-1, &why));
	take_options(argc, argv, request);
	install_signals();
	return argv + optind;
}

int ui_line(struct buffer *line, struct fault *why)
{
	buffer_add(line, "\n", 1);
	if (line->failed)
		return fault_set(why, EX_OSERR, "out of memory");
	if (fwrite(line->bytes, 1, line->len, stdout) != line->len)
		return fault_errno(why, EX_IOERR, "standard output");
	return 0;
}

int ui_flush(struct fault *why)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return fault_errno(why, EX_IOERR, "standard output");
}

static void end_progress(void);

int ui_finish(int status, const struct fault *why)
{
	struct fault lost;

	end_progress();
	if (status < 0) {
		fprintf(stderr, "%s: %s\n", tool->name, why->line);
		status = why->status;
	}
	if ((ui_flush(&lost) < 0 || fclose(stdout) != 0) && status != EX_IOERR) {
		fprintf(stderr, "%s: standard output: %s\n", tool->name, strerror(errno));
		status = EX_IOERR;
	}
	return status;
}

struct redis *ui_connect(struct fault *why)
{
	struct redis_options options = config_redis(&ui.config);
	struct redis *redis;
	struct fault refused;

	if (redis_open(&options, &redis, &refused) == 0)
		return redis;
	*why = refused;
	if (refused.status == EX_UNAVAILABLE)
		fault_set(why, EX_UNAVAILABLE,
			  "%.800s: start it, or name another with -r or FCFS_REDIS", refused.line);
	return NULL;
}

int ui_check_server(struct redis *redis, struct fault *why)
{
	struct server server;

	if (server_read(redis, &server, why) < 0 || server_require(&server, ui.force, why) < 0)
		return -1;
	if (server_window(&server))
		ui_warn(server_window(&server));
	return 0;
}

static void complain(const char *line)
{
	end_progress();
	fprintf(stderr, "%s: %s\n", tool->name, line);
}

void ui_warn(const char *line)
{
	if (!ui.quiet)
		complain(line);
}

static void note(const char *line)
{
	if (ui.verbose)
		complain(line);
}

static bool stopping(void)
{
	return stop_signal != 0;
}

/* The progress line: on a terminal that does not show the data itself, nor what a pipe makes of it. */
static struct {
	int64_t started_ms, shown_ms;
	bool wanted, on_screen;
} line;

static bool shows_nothing(int fd)
{
	struct stat file;

	return !isatty(fd) && (fstat(fd, &file) < 0 || !S_ISFIFO(file.st_mode));
}

static void progress(int64_t done)
{
	int64_t now;

	if (!line.started_ms) {
		line.wanted = !ui.quiet && isatty(STDERR_FILENO) && shows_nothing(STDOUT_FILENO);
		line.started_ms = line.shown_ms = clock_ms();
	}
	if (!line.wanted)
		return;
	now = clock_ms();
	if (now - line.shown_ms < 200)
		return;
	line.shown_ms = now;
	line.on_screen = true;
	fprintf(stderr, "\r%s: %lld done, %lld/s\033[K", tool->name, (long long)done,
		(long long)(done * 1000 / (now - line.started_ms + 1)));
}

static void end_progress(void)
{
	if (line.on_screen)
		fputs("\r\033[K", stderr);
	line.on_screen = false;
}

struct control ui_control = {
	.stopping = stopping,
	.stop_fd = -1,
	.complain = complain,
	.warn = ui_warn,
	.note = note,
	.progress = progress,
};
