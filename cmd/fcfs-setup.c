#include "acl.h"
#include "preflight.h"
#include "ui.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct ui_option OPTIONS[] = {
	{"force", UI_FORCE, NULL, "accept a server that may evict"},
	{0},
};

static const struct ui_tool TOOL = {
	.name = "fcfs-setup",
	.synopsis = "[--force] redis\n"
		    "acl",
	.about = "Makes a Redis server ready, or prints the access rules of each role.",
	.options = OPTIONS,
	.kafka = true,
};

static int prepare(struct redis *redis, struct fault *why)
{
	static const char *const DONE[] = {[LIBRARY_CURRENT] = "are there",
					   [LIBRARY_LOADED] = "loaded",
					   [LIBRARY_REPLACED] = "replaced older ones"};
	enum library_state state;
	char detail[96];
	int server = preflight_server(redis, why);

	if (server != 0)
		return server;
	if (redis_library(redis, &state, why) < 0)
		return -1;
	snprintf(detail, sizeof detail, "version %" PRId64 " %s", library_version, DONE[state]);
	preflight_line("ok", "functions", detail);
	return 0;
}

static int run(char **operands, struct fault *why)
{
	struct redis *redis;
	int result;

	if (!operands[0] || operands[1])
		ui_misuse("say redis or acl");
	if (strcmp(operands[0], "acl") == 0)
		return acl_print(ui.config.prefix);
	if (strcmp(operands[0], "redis") != 0)
		ui_misuse("say redis or acl");
	redis = ui_connect(why);
	if (!redis)
		return -1;
	result = prepare(redis, why);
	redis_close(redis);
	return result;
}

int main(int argc, char **argv)
{
	struct fault why;
	char **operands = ui_start(&TOOL, argc, argv, NULL);

	return ui_finish(run(operands, &why), &why);
}
