#include "archive.h"
#include "output.h"
#include "parse.h"
#include "ui.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ENDED = 1000 };

struct request {
	int64_t ended_ms;
	bool ended;
};

static const struct ui_option OPTIONS[] = {
	{"ended", ENDED, "D", "save only what was closed so long ago or longer"},
	{"force", UI_FORCE, NULL, "purge what was not verified; restore into any server"},
	{0},
};

static int take(void *self, int letter, const char *value, struct fault *why)
{
	struct request *r = self;

	(void)letter;
	r->ended = true;
	return parse_duration("--ended", value, &r->ended_ms, why);
}

static const struct ui_tool TOOL = {
	.name = "fcfs-archive",
	.synopsis = "save [--ended D] EVENT\n"
		    "verify EVENT\n"
		    "restore [--force] EVENT\n"
		    "purge [--force] EVENT",
	.about = "Keeps an event that has ended, checks what was kept, puts it back, purges it.",
	.options = OPTIONS,
	.take = take,
};

static int write_out(void *self, const char *bytes, size_t len, struct fault *why)
{
	(void)self;
	if (fwrite(bytes, 1, len, stdout) != len)
		return fault_errno(why, EX_IOERR, "standard output");
	return 0;
}

static int save(const struct request *r, struct redis *redis, const struct place *place,
		struct fault *why)
{
	const struct archive_out out = {.write = write_out};

	output_protect();
	return archive_save(redis, place, r->ended_ms, &out, &ui_control, why);
}

static int verify(const struct request *r, struct redis *redis, const struct place *place,
		  struct fault *why)
{
	(void)r;
	return archive_verify(redis, place, STDIN_FILENO, &ui_control, why);
}

static int restore(const struct request *r, struct redis *redis, const struct place *place,
		   struct fault *why)
{
	(void)r;
	if (ui_check_server(redis, why) < 0)
		return -1;
	return archive_restore(redis, ui.config.prefix, place, STDIN_FILENO, &ui_control, why);
}

static int purge(const struct request *r, struct redis *redis, const struct place *place,
		 struct fault *why)
{
	(void)r;
	return archive_purge(redis, ui.config.prefix, place, ui.force, &ui_control, why);
}

static const struct verb {
	const char *name;
	int (*run)(const struct request *, struct redis *, const struct place *, struct fault *);
} VERBS[] = {{"save", save}, {"verify", verify}, {"restore", restore}, {"purge", purge}, {0}};

static int run(const struct request *r, char **operands, struct fault *why)
{
	const struct verb *verb = VERBS;
	struct place place;
	struct redis *redis;
	int result;

	while (verb->name && operands[0] && strcmp(verb->name, operands[0]) != 0)
		verb++;
	if (!operands[0] || !verb->name)
		ui_misuse("say save, verify, restore or purge");
	if (!operands[1] || operands[2])
		ui_misuse("name one event");
	if (r->ended && verb->run != save)
		ui_misuse("--ended goes with save");
	if (place_init(&place, ui.config.prefix, operands[1], why) < 0)
		return -1;
	redis = ui_connect(why);
	if (!redis)
		return -1;
	result = verb->run(r, redis, &place, why);
	redis_close(redis);
	return result;
}

int main(int argc, char **argv)
{
	struct request request = {0};
	struct fault why;
	char **operands = ui_start(&TOOL, argc, argv, &request);

	return ui_finish(run(&request, operands, &why), &why);
}
