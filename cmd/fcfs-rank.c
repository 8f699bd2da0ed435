#include "answers.h"
#include "explain.h"
#include "ui.h"

#include <string.h>

enum { LIST = 1000, EXPLAIN };

struct request {
	struct answers answers;
	bool list, explain;
};

static const struct ui_option OPTIONS[] = {
	{"list", LIST, NULL, "everybody in line, in order"},
	{"explain", EXPLAIN, NULL, "why one person stands where they stand"},
	{"force", UI_FORCE, NULL, "stream from a server that may evict"},
	{0},
};

static bool has_ahead(const char *state)
{
	return strcmp(state, "waiting") == 0 || strcmp(state, "standby") == 0;
}

static const struct answers_column COLUMNS[] = {{"ticket", 'i', NULL},
						{"ahead", 'i', has_ahead},
						{"eta_s", 'i', NULL},
						{"detail", 't', NULL},
						{0}};

static const struct answers_word WORDS[] = {
	{"waiting", STATUS_YES}, {"standby", STATUS_YES},
	{"winner", STATUS_YES},	 {"issued", STATUS_YES},
	{"left", STATUS_YES},	 {"absent", STATUS_NO},
	{"invalid", EX_DATAERR}, {0},
};

static int take(void *request, int letter, const char *value, struct fault *why)
{
	struct request *r = request;

	(void)value;
	(void)why;
	*(letter == LIST ? &r->list : &r->explain) = true;
	return 0;
}

static const struct ui_tool TOOL = {
	.name = "fcfs-rank",
	.synopsis = "[--force] EVENT [PERSON ...]\n"
		    "--list EVENT\n"
		    "--explain EVENT PERSON",
	.about = "Tells where people stand: the operands, else a person a line on stdin.",
	.options = OPTIONS,
	.take = take,
};

static int explain(const char *event, const char *person, struct fault *why)
{
	struct table table = {0};
	struct redis *redis;
	struct place place;
	int64_t ticket = 0;
	int result;

	if (place_init(&place, ui.config.prefix, event, why) < 0 ||
	    explain_check_name(person, why) < 0)
		return -1;
	redis = ui_connect(why);
	if (!redis)
		return -1;
	table_begin(&table);
	result = explain_redis(redis, &place, person, &table, &ticket, why);
	if (result == 0)
		result = table_end(&table, why);
	buffer_release(&table.out);
	redis_close(redis);
	return result < 0 ? -1 : ticket ? STATUS_YES : STATUS_NO;
}

static int run(const struct request *r, char **operands, struct fault *why)
{
	if (r->list && r->explain)
		ui_misuse("either --list or --explain");
	if (r->list && (!operands[0] || operands[1]))
		ui_misuse("--list takes one event");
	if (r->explain && (!operands[0] || !operands[1] || operands[2]))
		ui_misuse("--explain takes one event and one person");
	if (r->explain)
		return explain(operands[0], operands[1], why);
	return r->list ? answers_run_line(&r->answers, operands[0], why)
		       : answers_run(&r->answers, operands, why);
}

int main(int argc, char **argv)
{
	struct request rank = {.answers = {.function = "rank",
					   .reads_only = true,
					   .status_name = "state",
					   .columns = COLUMNS,
					   .words = WORDS}};
	struct fault why;
	char **operands = ui_start(&TOOL, argc, argv, &rank);

	return ui_finish(run(&rank, operands, &why), &why);
}
