#include "answers.h"
#include "ui.h"

#include <string.h>

enum { LIST = 1000 };

struct request {
	struct answers answers;
	bool list;
};

static const struct ui_option OPTIONS[] = {
	{"list", LIST, NULL, "everybody in line, in order"},
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

	(void)letter;
	(void)value;
	(void)why;
	r->list = true;
	return 0;
}

static const struct ui_tool TOOL = {
	.name = "fcfs-rank",
	.synopsis = "[--force] EVENT [PERSON ...]\n"
		    "--list EVENT",
	.about = "Tells where people stand: the operands, else a person a line on stdin.",
	.options = OPTIONS,
	.take = take,
};

int main(int argc, char **argv)
{
	struct request rank = {.answers = {.function = "rank",
					   .reads_only = true,
					   .status_name = "state",
					   .columns = COLUMNS,
					   .words = WORDS}};
	struct fault why;
	char **operands = ui_start(&TOOL, argc, argv, &rank);

	if (rank.list && (!operands[0] || operands[1]))
		ui_misuse("--list takes one event");
	return ui_finish(rank.list ? answers_run_line(&rank.answers, operands[0], &why)
				   : answers_run(&rank.answers, operands, &why),
			 &why);
}
