/*
 * proxy.c - proxy LISTEN TARGET FILE: between clients and the server on port TARGET of this machine, with the fault that
 * stands in FILE, which is read anew again and again, so that it can begin in the middle:
 *
 *   none
 *   latency MS          all that comes is passed on so much later
 *   bandwidth BYTES     a second, each way of a connection
 *   reset BYTES         when so many bytes have come from the server, the connection is reset, both ways (RST);
 *                       0: when the client has asked, before the server has heard it. What comes next is reset, too
 *   hole BYTES          when so many bytes have come from the server, nothing is passed on any more, and nothing closed
 *   slow MS             when one side closes, the other hears of it so much later
 *
 * The last three say so on standard output when they strike.
 *
 * One thread, poll(2), a connection is two flows. What a flow holds is bounded: it is not read while it is full.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PAIRS = 256, ROOM = 65536, PARTS = 64, TICK_MS = 5 };

/* What came in one read, and until when it is kept. */
struct part {
	long long due_ms;
	size_t len;
};

struct flow {
	char bytes[ROOM];
	struct part part[PARTS];
	size_t len, parts;
	long long paid_ms;   /* until then the bandwidth is used up */
	long long closed_ms; /* when its source has closed, or 0 */
	int told;	     /* and its end was told */
};

/* flow[0] from the client to the server, flow[1] back. */
struct pair {
	int fd[2]; /* client, server; -1: free */
	struct flow flow[2];
	long long answered; /* bytes from the server */
	int said;	    /* that it was struck */
};

struct rule {
	char name[16];
	long long number;
};

static struct pair *pairs[PAIRS];

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int is(const struct rule *rule, const char *name)
{
	return strcmp(rule->name, name) == 0;
}

static void read_rule(const char *file, struct rule *rule)
{
	struct rule fresh = {.name = ""};
	FILE *f = fopen(file, "r");

	if (!f)
		return;
	if (fscanf(f, "%15s %lld", fresh.name, &fresh.number) >= 1)
		*rule = fresh;
	fclose(f);
}

static struct sockaddr_in at(int port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons((unsigned short)port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void prepare(int fd)
{
	int one = 1;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void hang_up(int p, int reset)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	for (int side = 0; side < 2; side++) {
		if (reset)
			setsockopt(pairs[p]->fd[side], SOL_SOCKET, SO_LINGER, &now, sizeof now);
		close(pairs[p]->fd[side]);
	}
	free(pairs[p]);
	pairs[p] = NULL;
}

static void say(struct pair *pair, const char *what)
{
	if (!pair->said++)
		dprintf(1, "%s\n", what);
}

static void welcome(int listener, int target)
{
	struct sockaddr_in to = at(target);
	int client = accept(listener, NULL, NULL), server = socket(AF_INET, SOCK_STREAM, 0), p = 0;

	while (p < PAIRS && pairs[p])
		p++;
	if (client < 0 || server < 0 || p == PAIRS ||
	    connect(server, (struct sockaddr *)&to, sizeof to) < 0) {
		close(client);
		close(server);
		return;
	}
	pairs[p] = calloc(1, sizeof *pairs[p]);
	if (!pairs[p])
		exit(71);
	prepare(client);
	prepare(server);
	pairs[p]->fd[0] = client;
	pairs[p]->fd[1] = server;
}

/* --- a flow ----------------------------------------------------------------------------------- */

/* When what comes now may go on. */
static long long due(struct flow *flow, const struct rule *rule, size_t len)
{
	long long now = now_ms();

	if (is(rule, "latency"))
		return now + rule->number;
	if (!is(rule, "bandwidth") || rule->number <= 0)
		return now;
	if (flow->paid_ms < now)
		flow->paid_ms = now;
	return flow->paid_ms += (long long)len * 1000 / rule->number;
}

/* -1: the pair has ended */
static int take(struct pair *pair, int from, const struct rule *rule)
{
	struct flow *flow = &pair->flow[from];
	size_t room = ROOM - flow->len;
	ssize_t got;

	if (is(rule, "bandwidth") && room > 256)
		room = 256;
	got = recv(pair->fd[from], flow->bytes + flow->len, room, 0);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (got == 0) {
		flow->closed_ms = now_ms();
		return 0;
	}
	flow->part[flow->parts].due_ms = due(flow, rule, (size_t)got);
	flow->part[flow->parts++].len = (size_t)got;
	flow->len += (size_t)got;
	if (from == 1)
		pair->answered += got;
	return 0;
}

static int pass(struct pair *pair, int from)
{
	struct flow *flow = &pair->flow[from];

	while (flow->parts > 0 && flow->part[0].due_ms <= now_ms()) {
		ssize_t put = send(pair->fd[!from], flow->bytes, flow->part[0].len, MSG_NOSIGNAL);

		if (put < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		memmove(flow->bytes, flow->bytes + put, flow->len -= (size_t)put);
		flow->part[0].len -= (size_t)put;
		if (flow->part[0].len == 0)
			memmove(flow->part, flow->part + 1, --flow->parts * sizeof *flow->part);
	}
	return 0;
}

/* Its end is told when all before it is out; -1: both are told. */
static int finish(struct pair *pair, int from, const struct rule *rule)
{
	struct flow *flow = &pair->flow[from];
	long long wait_ms = is(rule, "slow") ? rule->number : 0;

	if (flow->closed_ms && wait_ms > 0)
		say(pair, "slow");
	if (flow->closed_ms && !flow->told && flow->parts == 0 &&
	    now_ms() >= flow->closed_ms + wait_ms) {
		shutdown(pair->fd[!from], SHUT_WR);
		flow->told = 1;
	}
	return pair->flow[0].told && pair->flow[1].told ? -1 : 0;
}

/* --- all of them ------------------------------------------------------------------------------ */

static int wants(const struct flow *flow)
{
	return !flow->closed_ms && flow->len < ROOM && flow->parts < PARTS;
}

static int struck(const struct pair *pair, const struct rule *rule, const char *name)
{
	return is(rule, name) && pair->answered >= rule->number &&
	       (rule->number > 0 || pair->flow[0].len > 0);
}

static void tend(int p, const short *ready, const struct rule *rule)
{
	struct pair *pair = pairs[p];
	int ended = 0;

	for (int from = 0; from < 2; from++)
		if (ready[from] && wants(&pair->flow[from]))
			ended |= take(pair, from, rule);
	if (struck(pair, rule, "hole")) {
		say(pair, "hole");
		return;
	}
	if (struck(pair, rule, "reset")) {
		say(pair, "reset");
		hang_up(p, 1);
		return;
	}
	for (int from = 0; from < 2 && !ended; from++)
		ended |= pass(pair, from) | finish(pair, from, rule);
	if (ended)
		hang_up(p, 0);
}

static void serve(int listener, int target, const char *file)
{
	struct rule rule = {.name = "none"};

	for (;;) {
		struct pollfd poll_fd[1 + 2 * PAIRS] = {{.fd = listener, .events = POLLIN}};

		for (int p = 0; p < PAIRS; p++)
			for (int side = 0; side < 2; side++)
				poll_fd[1 + 2 * p + side] = (struct pollfd){
					.fd = pairs[p] && wants(&pairs[p]->flow[side])
						      ? pairs[p]->fd[side]
						      : -1,
					.events = POLLIN};
		poll(poll_fd, 1 + 2 * PAIRS, TICK_MS);
		read_rule(file, &rule);
		for (int p = 0; p < PAIRS; p++)
			if (pairs[p])
				tend(p,
				     (short[]){poll_fd[1 + 2 * p].revents,
					       poll_fd[2 + 2 * p].revents},
				     &rule);
		if (poll_fd[0].revents)
			welcome(listener, target);
	}
}

int main(int argc, char **argv)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	struct sockaddr_in here;

	if (argc != 4)
		return 64;
	here = at(atoi(argv[1]));
	signal(SIGPIPE, SIG_IGN);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0 || listen(listener, 64) < 0)
		return 71;
	serve(listener, atoi(argv[2]), argv[3]);
}
