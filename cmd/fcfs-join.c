#include "answers.h"
#include "ui.h"

static const struct ui_option OPTIONS[] = {
	{"times", 't', NULL, "latency percentiles on stderr at the end"},
	{"force", UI_FORCE, NULL, "stream into a server that may evict"},
	{0},
};

static const struct answers_column COLUMNS[] = {
	{"ticket", 'i', NULL}, {"joined_us", 'i', NULL}, {"detail", 'v', NULL}, {0}};

static const struct answers_word WORDS[] = {
	{"joined", STATUS_YES},	      {"already", STATUS_YES},
	{"soldout", STATUS_NO},	      {"early", EX_TEMPFAIL},
	{"closed", STATUS_NO},	      {"paused", EX_TEMPFAIL},
	{"left", STATUS_NO},	      {"invalid", EX_DATAERR},
	{"unconfirmed", EX_TEMPFAIL}, {0},
};

static int take(void *request, int letter, const char *value, struct fault *why)
{
	struct answers *answers = request;

	(void)letter;
	(void)value;
	(void)why;
	answers->times = true;
	return 0;
}

static const struct ui_tool TOOL = {
	.name = "fcfs-join",
	.synopsis = "[-t] [--force] EVENT [PERSON ...]",
	.about = "Puts people in the line: the operands, else a person a line on stdin.",
	.options = OPTIONS,
	.take = take,
};

int main(int argc, char **argv)
{
	struct answers join = {.function = "enter",
			       .in_runs = true,
			       .status_name = "status",
			       .columns = COLUMNS,
			       .words = WORDS};
	struct fault why;
	char **operands = ui_start(&TOOL, argc, argv, &join);

	return ui_finish(answers_run(&join, operands, &why), &why);
}
