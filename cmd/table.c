#include "table.h"

#include "parse.h"
#include "ui.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 24 };

void table_begin(struct table *table)
{
	*table = (struct table){.json = ui.json, .width = isatty(STDOUT_FILENO) ? WIDTH : 0};
	if (table->json)
		json_begin(&table->out);
}

static void line(struct table *table, const char *name, const char *value)
{
	int pad = table->width - (int)strlen(name);

	buffer_text(&table->out, name);
	if (table->width)
		while (pad-- > 0)
			buffer_add(&table->out, " ", 1);
	else
		buffer_add(&table->out, "\t", 1);
	buffer_text(&table->out, *value ? value : "-");
	buffer_add(&table->out, "\n", 1);
}

void table_none(struct table *table, const char *name)
{
	if (table->json)
		json_none(&table->out, name);
	else
		line(table, name, "-");
}

void table_text(struct table *table, const char *name, const char *value)
{
	if (!*value)
		table_none(table, name);
	else if (table->json)
		json_cstring(&table->out, name, value);
	else
		line(table, name, value);
}

void table_object(struct table *table, const char *name, const char *json)
{
	if (table->json)
		json_raw(&table->out, name, json);
	else
		line(table, name, json);
}

void table_int(struct table *table, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRId64, value);
	if (table->json)
		json_int(&table->out, name, value);
	else
		line(table, name, text);
}

void table_int_if(struct table *table, bool there, const char *name, int64_t value)
{
	if (there)
		table_int(table, name, value);
	else
		table_none(table, name);
}

void table_number(struct table *table, const char *name, double value)
{
	char text[32];

	snprintf(text, sizeof text, "%.3f", value);
	if (!isfinite(value))
		table_none(table, name);
	else if (table->json)
		json_number(&table->out, name, value);
	else
		line(table, name, text);
}

void table_time(struct table *table, const char *name, int64_t us)
{
	char text[TIME_TEXT] = "";

	if (us)
		format_time(text, us);
	table_text(table, name, text);
}

int table_end(struct table *table, struct fault *why)
{
	int result = 0;

	if (table->json) {
		json_end(&table->out);
		buffer_add(&table->out, "\n", 1);
	}
	if (table->out.failed)
		result = fault_set(why, EX_OSERR, "out of memory");
	else if (fwrite(table->out.bytes, 1, table->out.len, stdout) != table->out.len)
		result = fault_errno(why, EX_IOERR, "standard output");
	buffer_release(&table->out);
	return result;
}
