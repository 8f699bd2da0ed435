#include "archive.h"
#include "archive_rebuild.h"
#include "ledger.h"
#include "output.h"
#include "parse.h"
#include "ui.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ENDED = 1000, LEDGER, ID, REPLACE, DRY_RUN };

struct request {
	int64_t ended_ms;
	bool ended;
	struct rebuild_request rebuild;
};

static const struct ui_option OPTIONS[] = {
	{"ended", ENDED, "D", "save only what was closed so long ago or longer"},
	{"ledger", LEDGER, "URL", "rebuild: also from sqlite:PATH or postgresql://..."},
	{"id", ID, "UUID", "rebuild: this event by the name, not the newest one"},
	{"replace", REPLACE, NULL, "rebuild: also in the place of an event that is there"},
	{"dry-run", DRY_RUN, NULL, "rebuild: say what would be there, change nothing"},
	{"force", UI_FORCE, NULL, "purge unverified; restore anywhere; rebuild broken"},
	{0},
};

static int take(void *self, int letter, const char *value, struct fault *why)
{
	struct request *r = self;

	switch (letter) {
	case LEDGER:
		r->rebuild.ledger = value;
		return ledger_check_url(value, why);
	case ID:
		r->rebuild.id = value;
		return name_is_uuid(value, strlen(value))
			       ? 0
			       : fault_set(why, EX_USAGE, "--id: not a UUID in lower case: '%.64s'",
					   value);
	case REPLACE:
		r->rebuild.replace = true;
		return 0;
	case DRY_RUN:
		r->rebuild.trial = true;
		return 0;
	default:
		r->ended = true;
		return parse_duration("--ended", value, &r->ended_ms, why);
	}
}

static const struct ui_tool TOOL = {
	.name = "fcfs-archive",
	.synopsis = "save [--ended D] EVENT\n"
		    "verify EVENT\n"
		    "restore [--force] EVENT\n"
		    "rebuild [--ledger URL] [--id UUID] [--replace] [--dry-run] [--force] EVENT\n"
		    "purge [--force] EVENT",
	.about = "Keeps events that have ended, puts them back, rebuilds and purges them.",
	.options = OPTIONS,
	.kafka = true,
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

static int rebuild_event(const struct request *r, struct redis *redis, const struct place *place,
			 struct fault *why)
{
	if (ui_check_server(redis, why) < 0)
		return -1;
	return archive_rebuild(&r->rebuild, redis, place, why);
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
} VERBS[] = {{"save", save},	   {"verify", verify},
	     {"restore", restore}, {"rebuild", rebuild_event},
	     {"purge", purge},	   {0}};

static int run(const struct request *r, char **operands, struct fault *why)
{
	const struct verb *verb = VERBS;
	struct place place;
	struct redis *redis;
	int result;

	while (verb->name && operands[0] && strcmp(verb->name, operands[0]) != 0)
		verb++;
	if (!operands[0] || !verb->name)
		ui_misuse("say save, verify, restore, rebuild or purge");
	if (!operands[1] || operands[2])
		ui_misuse("name one event");
	if (r->ended && verb->run != save)
		ui_misuse("--ended goes with save");
	if (verb->run != rebuild_event && archive_rebuild_asked(&r->rebuild))
		ui_misuse("--ledger, --id, --replace and --dry-run go with rebuild");
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
