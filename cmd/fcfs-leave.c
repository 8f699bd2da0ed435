#include "answers.h"
#include "ui.h"
#include "who.h"

enum { REVOKE = 1000 };

static const struct ui_option OPTIONS[] = {
	{"revoke", REVOKE, NULL, "take back also what was issued: its code is burnt"},
	{"force", UI_FORCE, NULL, "stream into a server that may evict"},
	{0},
};

static const struct answers_column COLUMNS[] = {{"ticket", 'i', NULL}, {0}};

static const struct answers_word WORDS[] = {
	{"left", STATUS_YES},	      {"returned", STATUS_YES},
	{"busy", EX_TEMPFAIL},	      {"issued", STATUS_NO},
	{"absent", STATUS_NO},	      {"invalid", EX_DATAERR},
	{"unconfirmed", EX_TEMPFAIL}, {0},
};

static int take(void *request, int letter, const char *value, struct fault *why)
{
	struct answers *answers = request;

	(void)letter;
	(void)value;
	(void)why;
	answers->args[1] = "revoke";
	return 0;
}

static const struct ui_tool TOOL = {
	.name = "fcfs-leave",
	.synopsis = "[--force] [--revoke] EVENT [PERSON ...]",
	.about = "Gives places back: of the operands, else of a person a line on stdin.",
	.options = OPTIONS,
	.take = take,
};

int main(int argc, char **argv)
{
	char who[WHO_MAX];
	struct answers leave = {.function = "leave",
				.args = {who_am_i(who), "leave"},
				.status_name = "status",
				.columns = COLUMNS,
				.words = WORDS};
	struct fault why;
	char **operands = ui_start(&TOOL, argc, argv, &leave);

	return ui_finish(answers_run(&leave, operands, &why), &why);
}
