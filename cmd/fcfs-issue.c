#include "issue.h"

#include "instance.h"
#include "issue_delivery.h"
#include "issue_redrive.h"
#include "issue_return.h"
#include "parse.h"
#include "pipe.h"
#include "ui.h"
#include "ui_kafka.h"

#include <malloc.h>
#include <unistd.h>

enum { CHUNK = 1000, LEDGER, FOLLOW, EXCLUSIVE, INSTANCE, STATS, RETURN_DEAD };

struct request {
	struct issue issue;
	int64_t chunk;
	const char *ledger, *instance_given, *stats;
	bool follow;
	struct delivery_request delivery;
	struct instance instance;
	struct kafka *kafka; /* NULL: the pipe */
	struct redrive_request redrive;
	const char *return_dead; /* whose; NULL: nobody's */
	bool issuing;		 /* an option was given that goes with neither */
};

static const struct ui_option OPTIONS[] = {
	{"chunk", CHUNK, "N", "winners a step (100; at most 1000)"},
	{"ledger", LEDGER, "URL", "keep it there, too: sqlite:PATH, postgresql://..."},
	{"follow", FOLLOW, NULL, "go on while winners come; a pipe's end ends it"},
	{"exclusive", EXCLUSIVE, NULL, "alone: 75 where another run so is at the event"},
	{"deliver", DELIVER, "CMD", "hand each code to this command, which answers"},
	{"deliver-timeout", DELIVER_TIMEOUT, "D", "wait so long for an answer of it (10s)"},
	{"retries", DELIVER_RETRIES, "N", "try again so often what may pass by itself (5)"},
	{"retry-max", DELIVER_RETRY_MAX, "D", "the longest pause before trying again (30s)"},
	{"dead-letters", DELIVER_DEAD_LETTERS, "FILE", "from a pipe: append dead records to it"},
	{"skip-limit", DELIVER_SKIP_LIMIT, "N", "end the run after more than N dead records"},
	{"instance", INSTANCE, "NAME", "who this is in the group (HOST-UID-K)"},
	{"stats", STATS, "FILE", "append the Kafka clients' statistics, JSON lines"},
	{"force", UI_FORCE, NULL, "issue from a server that may evict"},
	{"redrive", REDRIVE, NULL, "send dead letters again: the topic's, or of stdin"},
	{"dry-run", REDRIVE_DRY_RUN, NULL, "with --redrive: show which, change nothing"},
	{"match", REDRIVE_MATCH, "KEY=VALUE",
	 "with --redrive: only these; again for more conditions"},
	{"limit", REDRIVE_LIMIT, "N", "with --redrive: N at most"},
	{"return-dead", RETURN_DEAD, "RUN", "give back the slots that this run parked, or all"},
	{0},
};

static int take(void *self, int letter, const char *value, struct fault *why)
{
	struct request *r = self;

	if (letter >= REDRIVE && letter < REDRIVE_END)
		return redrive_take(&r->redrive, letter, value, why);
	if (letter == RETURN_DEAD)
		return r->return_dead = value, 0;
	if (letter == LEDGER)
		return r->ledger = value, ledger_check_url(value, why);
	r->issuing = true;
	if (letter >= DELIVER && letter < DELIVER_END)
		return delivery_take(&r->delivery, letter, value, why);
	switch (letter) {
	case CHUNK:
		return parse_count("--chunk", value, 1, AWARD_MAX, &r->chunk, why);
	case FOLLOW:
		return r->follow = true, 0;
	case EXCLUSIVE:
		return r->issue.exclusive = true, 0;
	case STATS:
		return r->stats = value, 0;
	default:
		return r->instance_given = value, instance_check(value, why);
	}
}

static const struct ui_tool TOOL = {
	.name = "fcfs-issue",
	.synopsis = "[--chunk N] [--ledger URL] [--follow] [--exclusive] "
		    "[--deliver CMD] [--deliver-timeout D] [--retries N] [--retry-max D] "
		    "[--dead-letters FILE] [--skip-limit N] "
		    "[--instance NAME] [--stats FILE] [--force]\n"
		    "--redrive [--dry-run] [--match KEY=VALUE] [--limit N]\n"
		    "--return-dead RUN [--ledger URL] [EVENT ...]",
	.about = "Gives winners from stdin or Kafka a code each, and writes it there.",
	.options = OPTIONS,
	.kafka = true,
	.take = take,
};

/* Where winners come from and codes go to: the topics, or standard input and output. */
static int open_bus(struct request *r, struct fault *why)
{
	struct issue *i = &r->issue;

	i->bus = *ui.config.brokers ? "kafka" : "pipe";
	if (!*ui.config.brokers)
		return pipe_source(STDIN_FILENO, &i->source, why) < 0
			       ? -1
			       : pipe_sink(STDOUT_FILENO, &ui_control, &i->sink, why);
	if (instance_take(&r->instance, ui.config.state, "fcfs-issue", r->instance_given, why) < 0)
		return -1;
	r->kafka = ui_kafka(r->stats, why);
	return r->kafka ? kafka_member(r->kafka, r->instance.name, r->follow, &i->source, &i->sink,
				       why)
			: -1;
}

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
	if (open_bus(r, why) < 0 || delivery_open(&r->delivery, i, why) < 0)
		return -1;
	return issue_run(i, why);
}

/* Which of the three: they take different options. */
static void check(const struct request *r, char **operands)
{
	if (r->redrive.refining && !r->redrive.wanted)
		ui_misuse("--dry-run, --match and --limit go with --redrive");
	if ((r->redrive.wanted || r->return_dead) && r->issuing)
		ui_misuse("--redrive and --return-dead issue nothing: without options of issuing");
	if (r->redrive.wanted && (r->return_dead || r->ledger))
		ui_misuse("--redrive takes neither --return-dead nor --ledger");
	if (operands[0] && !r->return_dead)
		ui_misuse("no operand is expected: winners come from the topic, or standard input");
}

static int issue(struct request *r, struct fault *why)
{
	struct issue *i = &r->issue;
	int result = run_with(r, why);

	deliver_close(i->deliver);
	if (i->sink)
		i->sink->close(i->sink);
	if (i->source)
		i->source->close(i->source);
	kafka_close(r->kafka);
	instance_release(&r->instance);
	ledger_close(i->ledger);
	redis_close(i->redis);
	return result;
}

static int run(struct request *r, char **operands, struct fault *why)
{
	check(r, operands);
	if (r->redrive.wanted)
		return redrive(&r->redrive, why);
	if (r->return_dead)
		return return_dead(r->return_dead, operands, r->ledger, why);
	return issue(r, why);
}

/* One arena for all threads, and what is large, as what is fetched, goes back at once: 3 MiB less at its most,
 * which the ledger's cache has. */
static void spare_memory(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 65536);
}

int main(int argc, char **argv)
{
	struct request request = {
		.chunk = ISSUE_CHUNK, .delivery = DELIVERY_DEFAULTS, .instance = {.lock = -1}};
	struct fault why;
	char **operands;

	spare_memory();
	operands = ui_start(&TOOL, argc, argv, &request);
	return ui_finish(run(&request, operands, &why), &why);
}
