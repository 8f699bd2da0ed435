#include "issue.h"

#include "parse.h"
#include "pipe.h"
#include "ui.h"

#include <unistd.h>

enum { CHUNK = 1000, LEDGER, FOLLOW };

struct request {
	struct issue issue;
	int64_t chunk;
	const char *ledger;
};

static const struct ui_option OPTIONS[] = {
	{"chunk", CHUNK, "N", "winners a step (100; at most 1000)"},
	{"ledger", LEDGER, "URL", "keep what is issued in sqlite:PATH, too"},
	{"follow", FOLLOW, NULL, "go on while winners come; a pipe's end ends it"},
	{"force", UI_FORCE, NULL, "issue from a server that may evict"},
	{0},
};

static int take(void *self, int letter, const char *value, struct fault *why)
{
	struct request *r = self;

	if (letter == CHUNK)
		return parse_count("--chunk", value, 1, AWARD_MAX, &r->chunk, why);
	if (letter == LEDGER)
		r->ledger = value;
	return 0;
}

static const struct ui_tool TOOL = {
	.name = "fcfs-issue",
	.synopsis = "[--chunk N] [--ledger URL] [--follow] [--force]",
	.about = "Reads winners from stdin and writes each one's code, a JSON line each.",
	.options = OPTIONS,
	.kafka = true,
	.take = take,
};

static int run_with(struct request *r, struct fault *why)
{
	struct issue *i = &r->issue;

	i->chunk = (size_t)r->chunk;
	i->prefix = ui.config.prefix;
	i->control = &ui_control;
	i->redis = ui_connect(why);
	if (!i->redis || ui_check_server(i->redis, why) < 0)
		return -1;
	if (r->ledger && ledger_open(r->ledger, &i->ledger, why) < 0)
		return -1;
	i->source = pipe_source(STDIN_FILENO);
	i->sink = pipe_sink(STDOUT_FILENO, &ui_control);
	if (!i->source || !i->sink)
		return fault_set(why, EX_OSERR, "out of memory");
	return issue_run(i, why);
}

static int run(struct request *r, char **operands, struct fault *why)
{
	struct issue *i = &r->issue;
	int result;

	if (operands[0])
		ui_misuse("no operand is expected: winners come on standard input");
	result = run_with(r, why);
	if (i->source)
		i->source->close(i->source);
	if (i->sink)
		i->sink->close(i->sink);
	ledger_close(i->ledger);
	redis_close(i->redis);
	return result;
}

int main(int argc, char **argv)
{
	struct request request = {.chunk = ISSUE_CHUNK};
	struct fault why;
	char **operands = ui_start(&TOOL, argc, argv, &request);

	return ui_finish(run(&request, operands, &why), &why);
}
