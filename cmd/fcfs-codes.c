#include "event.h"
#include "input.h"
#include "output.h"
#include "pool.h"
#include "table.h"
#include "ui.h"
#include "who.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct ui_option OPTIONS[] = {
	{"force", UI_FORCE, NULL, "load into a server that may evict"},
	{0},
};

static int take(void *self, int letter, const char *value, struct fault *why)
{
	(void)self;
	(void)letter;
	(void)value;
	(void)why;
	return 0;
}

static const struct ui_tool TOOL = {
	.name = "fcfs-codes",
	.synopsis = "[--force] load EVENT [FILE]\n"
		    "count EVENT\n"
		    "export EVENT",
	.about = "Loads the codes of an event that has its own, counts them, prints those unused.",
	.options = OPTIONS,
	.take = take,
};

/* What each verb works with: an event that has a pool. */
struct work {
	struct pool pool;
	struct event event;
	int fd; /* a code a line */
};

static int print_load(const struct pool_load *load, struct fault *why)
{
	struct table t;

	table_begin(&t);
	table_int(&t, "loaded", load->loaded);
	table_int(&t, "duplicates", load->duplicates);
	table_int(&t, "invalid", load->invalid);
	return table_end(&t, why);
}

static int load(struct work *w, struct fault *why)
{
	struct pool_load counts;
	char who[WHO_MAX];

	if (ui_check_server(w->pool.redis, why) < 0 ||
	    pool_load(&w->pool, w->fd, &counts, why) < 0 ||
	    pool_log(&w->pool, who_am_i(who), why) < 0 || print_load(&counts, why) < 0)
		return -1;
	if (ui_control.stopping())
		return fault_set(why, EX_TEMPFAIL, "stopped: run again to load the rest");
	return counts.duplicates + counts.invalid > 0 ? EX_DATAERR : STATUS_YES;
}

static int count(struct work *w, struct fault *why)
{
	const struct event *e = &w->event;
	struct table t;

	table_begin(&t);
	table_int(&t, "loaded", e->codes_loaded);
	table_int(&t, "left", e->codes_left);
	table_int(&t, "assigned", e->assigned_now);
	table_int(&t, "parked", e->parked);
	table_int(&t, "issued", e->issued_now);
	table_int(&t, "burnt", e->burnt);
	return table_end(&t, why);
}

static int print_code(void *self, const char *code, struct fault *why)
{
	struct buffer *line = self;

	buffer_clear(line);
	if (ui.json) {
		json_begin(line);
		json_cstring(line, "code", code);
		json_end(line);
	} else {
		buffer_text(line, code);
	}
	return ui_line(line, why);
}

static int export(struct work *w, struct fault *why)
{
	struct buffer line = {0};
	int result;

	output_protect();
	result = pool_each(&w->pool, print_code, &line, why);
	buffer_release(&line);
	if (result == 0 && ui_control.stopping())
		return fault_set(why, EX_TEMPFAIL, "stopped: not all codes were printed");
	return result;
}

static const struct verb {
	const char *name;
	int (*run)(struct work *, struct fault *);
} VERBS[] = {{"load", load}, {"count", count}, {"export", export}, {0}};

static int open_pool(struct work *w, const struct place *place, struct fault *why)
{
	w->pool = (struct pool){.place = place, .id = w->event.id, .control = &ui_control};
	w->pool.redis = ui_connect(why);
	if (!w->pool.redis || event_show(w->pool.redis, place, &w->event, why) < 0)
		return -1;
	if (!event_has_pool(&w->event))
		return fault_set(
			why, EX_CONFIG,
			"event '%s': its codes are made by fcfs: only one that was created "
			"with --codes pool has a pool",
			place->name);
	return 0;
}

/* NULL and "-" are standard input. */
static int run(char **operands, struct fault *why)
{
	const struct verb *verb = VERBS;
	struct work work = {.fd = -1};
	struct place place;
	bool loads;
	int result;

	while (verb->name && operands[0] && strcmp(verb->name, operands[0]) != 0)
		verb++;
	if (!operands[0] || !verb->name)
		ui_misuse("say load, count or export");
	loads = verb->run == load;
	if (!operands[1] || (operands[2] && (!loads || operands[3])))
		ui_misuse(loads ? "name one event, and one file at most" : "name one event");
	if (place_init(&place, ui.config.prefix, operands[1], why) < 0)
		return -1;
	work.fd = input_open(operands[2], why);
	result = work.fd < 0 || open_pool(&work, &place, why) < 0 ? -1 : verb->run(&work, why);
	redis_close(work.pool.redis);
	if (work.fd > STDERR_FILENO)
		close(work.fd);
	return result;
}

int main(int argc, char **argv)
{
	struct fault why;
	char **operands = ui_start(&TOOL, argc, argv, NULL);

	return ui_finish(run(operands, &why), &why);
}
