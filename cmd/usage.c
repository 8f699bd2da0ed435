#include "usage.h"

#include <ctype.h>
#include <string.h>

enum { COLUMNS = 80 };

/* They begin every form. */
static const char WORDS[] = "[-jqv] [-r URL] [--prefix P]";
static const char WORDS_KAFKA[] = "[-jqv] [-r URL] [-b BROKERS] [-X K=V] [-F FILE] [--prefix P]";

/* --- forms ------------------------------------------------------------------------------------ */

/* The form behind this one; NULL: it is the last. */
static const char *next_form(const char *form)
{
	const char *end = strchr(form, '\n');

	return end ? end + 1 : NULL;
}

/* The length of the next part of a form, which stays on one line: a word, or all of a bracket. */
static int part_length(const char *form)
{
	int len = (int)strcspn(form, *form == '[' ? "]" : " \n");

	return len + (form[len] == ']');
}

static const char *next_part(const char *part)
{
	part += part_length(part);
	return part + strspn(part, " ");
}

static bool is_over(const char *part)
{
	return !*part || *part == '\n';
}

/* What tells a form from the others: its first word that is typed as it stands here. NULL: there is none. */
static const char *mark_of(const char *form)
{
	while (!is_over(form) && *form != '-' && !islower((unsigned char)*form))
		form = next_part(form);
	return is_over(form) ? NULL : form;
}

/* --create=X is --create, too. */
static bool is_mark(const char *mark, const char *word)
{
	size_t len = mark ? (size_t)part_length(mark) : 0;

	return len && strncmp(word, mark, len) == 0 && (!word[len] || word[len] == '=');
}

/* The form whose mark is the first among these words, else that without a mark; NULL: neither is there. */
static const char *form_meant(const char *forms, char *const *words)
{
	const char *form;

	for (; *words; words++)
		for (form = forms; form; form = next_form(form))
			if (is_mark(mark_of(form), *words))
				return form;
	form = forms;
	while (form && mark_of(form))
		form = next_form(form);
	return form;
}

/* --- printing --------------------------------------------------------------------------------- */

/* The parts of one form, from this column on; the column behind them. */
static int print_parts(FILE *to, const char *part, int indent, int column)
{
	for (; !is_over(part); part = next_part(part)) {
		int len = part_length(part);

		if (column + 1 + len > COLUMNS)
			column = fprintf(to, "\n%*s", indent, "") - 1;
		column += fprintf(to, " %.*s", len, part);
	}
	return column;
}

static void print_form(FILE *to, const struct ui_tool *tool, const char *form, const char *lead)
{
	int indent = fprintf(to, "%s%s", lead, tool->name);
	int column = print_parts(to, tool->kafka ? WORDS_KAFKA : WORDS, indent, indent);

	print_parts(to, form, indent, column);
	fputc('\n', to);
}

void usage_print(FILE *to, const struct ui_tool *tool, char *const *words)
{
	const char *form = words ? form_meant(tool->synopsis, words) : NULL;
	const char *lead = "usage: ";

	if (form) {
		print_form(to, tool, form, lead);
		return;
	}
	for (form = tool->synopsis; form; form = next_form(form), lead = "       ")
		print_form(to, tool, form, lead);
}

void usage_options(const struct ui_option *option)
{
	for (; option->name; option++) {
		char left[64], letter[8] = "    ";

		if (option->letter < 256)
			snprintf(letter, sizeof letter, "-%c, ", option->letter);
		snprintf(left, sizeof left, "%s--%s%s%s", letter, option->name,
			 option->argument ? " " : "", option->argument ? option->argument : "");
		printf("  %-24s %s\n", left, option->help);
	}
}
