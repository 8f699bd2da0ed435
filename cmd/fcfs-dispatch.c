#include "dispatch.h"

#include "instance.h"
#include "parse.h"
#include "pipe.h"
#include "ui.h"

#include <unistd.h>

enum { BATCH = 1000, EVERY, FOLLOW, INSTANCE, BATCH_MAX = 100000, FOLLOW_MS = 1000 };

struct request {
	struct dispatch dispatch;
	const char *instance_given;
	struct instance instance;
	bool follow;
};

static const struct ui_option OPTIONS[] = {
	{"batch", BATCH, "N", "winners a step; with --every, a pass at most (1000)"},
	{"every", EVERY, "D", "a pass every D until the event has ended"},
	{"follow", FOLLOW, NULL, "go on until the event has ended (a pass a second)"},
	{"instance", INSTANCE, "NAME", "who holds the lease (HOST-UID-K)"},
	{"force", UI_FORCE, NULL, "dispatch from a server that may evict"},
	{0},
};

static int take(void *self, int letter, const char *value, struct fault *why)
{
	struct request *r = self;

	switch (letter) {
	case BATCH:
		r->dispatch.batch_given = true;
		return parse_count("--batch", value, 1, BATCH_MAX, &r->dispatch.batch, why);
	case EVERY:
		if (parse_duration("--every", value, &r->dispatch.every_ms, why) < 0)
			return -1;
		return r->dispatch.every_ms ? 0 : fault_set(why, EX_USAGE, "--every: more than 0");
	case FOLLOW:
		r->follow = true;
		return 0;
	default:
		r->instance_given = value;
		return 0;
	}
}

static const struct ui_tool TOOL = {
	.name = "fcfs-dispatch",
	.synopsis = "[--batch N] [--every D] [--follow] "
		    "[--instance NAME] [--force] EVENT ...",
	.about = "Grants slots in the order of the line and writes the winners, a JSON line each.",
	.options = OPTIONS,
	.kafka = true,
	.take = take,
};

static int run(struct request *r, char **events, struct fault *why)
{
	struct dispatch *d = &r->dispatch;
	int result = -1;

	if (!events[0])
		ui_misuse("which event?");
	if (instance_take(&r->instance, ui.config.state, "fcfs-dispatch", r->instance_given, why) <
	    0)
		return -1;
	if (r->follow && !d->every_ms)
		d->every_ms = FOLLOW_MS;
	d->events = events;
	d->instance = r->instance.name;
	d->prefix = ui.config.prefix;
	d->control = &ui_control;
	d->redis = ui_connect(why);
	d->sink = pipe_sink(STDOUT_FILENO, &ui_control);
	if (!d->sink)
		fault_set(why, EX_OSERR, "out of memory");
	else if (d->redis && ui_check_server(d->redis, why) == 0)
		result = dispatch_run(d, why);
	if (d->sink)
		d->sink->close(d->sink);
	redis_close(d->redis);
	instance_release(&r->instance);
	return result;
}

int main(int argc, char **argv)
{
	struct request request = {.dispatch = {.batch = DISPATCH_BATCH}};
	struct fault why;
	char **events = ui_start(&TOOL, argc, argv, &request);

	return ui_finish(run(&request, events, &why), &why);
}
