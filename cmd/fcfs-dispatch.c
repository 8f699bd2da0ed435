#include "dispatch.h"

#include "instance.h"
#include "parse.h"
#include "pipe.h"
#include "step.h"
#include "ui.h"
#include "ui_kafka.h"

#include <unistd.h>

enum { BATCH = 1000, EVERY, FOLLOW, INSTANCE, STATS, BATCH_MAX = 100000, FOLLOW_MS = 1000 };

/* jemalloc's, which reads this name: one arena for all threads, and what is free goes back after half a second.
 * Five pieces a record are taken in one thread and freed in another. */
extern const char *malloc_conf;
const char *malloc_conf = "narenas:1,dirty_decay_ms:500";

struct request {
	struct dispatch dispatch;
	const char *instance_given, *stats;
	struct instance instance;
	struct kafka *kafka; /* NULL: the pipe */
	bool follow;
};

static const struct ui_option OPTIONS[] = {
	{"batch", BATCH, "N", "winners a transaction, or a pass (1000; Kafka 20000)"},
	{"every", EVERY, "D", "a pass every D until the event has ended"},
	{"follow", FOLLOW, NULL, "go on until the event has ended (a pass a second)"},
	{"instance", INSTANCE, "NAME", "who holds the lease (HOST-UID-K)"},
	{"stats", STATS, "FILE", "append the Kafka clients' statistics, JSON lines"},
	{"force", UI_FORCE, NULL, "a server that may evict, a topic that lost progress"},
	{0},
};

static int take(void *self, int letter, const char *value, struct fault *why)
{
	struct request *r = self;

	switch (letter) {
	case BATCH:
		return parse_count("--batch", value, 1, BATCH_MAX, &r->dispatch.batch, why);
	case EVERY:
		return parse_wait("--every", value, &r->dispatch.every_ms, why);
	case FOLLOW:
		r->follow = true;
		return 0;
	case STATS:
		r->stats = value;
		return 0;
	default:
		r->instance_given = value;
		return instance_check(value, why);
	}
}

static const struct ui_tool TOOL = {
	.name = "fcfs-dispatch",
	.synopsis = "[--batch N] [--every D] [--follow] "
		    "[--instance NAME] [--stats FILE] [--force] EVENT ...",
	.about = "Grants slots in the order of the line, publishes winners to stdout or Kafka.",
	.options = OPTIONS,
	.kafka = true,
	.take = take,
};

/* Where winners go: the topics, or standard output. */
static int open_bus(struct request *r, struct fault *why)
{
	struct dispatch *d = &r->dispatch;

	if (!*ui.config.brokers)
		return pipe_bus(STDOUT_FILENO, &ui_control, &d->bus, why);
	r->kafka = ui_kafka(r->stats, why);
	return r->kafka ? kafka_bus(r->kafka, &d->bus, why) : -1;
}

static int run_with(struct request *r, struct fault *why)
{
	struct dispatch *d = &r->dispatch;

	if (r->follow && !d->every_ms)
		d->every_ms = FOLLOW_MS;
	d->instance = r->instance.name;
	d->prefix = ui.config.prefix;
	d->control = &ui_control;
	d->force = ui.force;
	d->redis = ui_connect(why);
	if (!d->redis || ui_check_server(d->redis, why) < 0 || open_bus(r, why) < 0)
		return -1;
	return dispatch_run(d, why);
}

static int run(struct request *r, char **events, struct fault *why)
{
	struct dispatch *d = &r->dispatch;
	struct place place;
	int result;

	if (!events[0])
		ui_misuse("which event?");
	for (size_t i = 0; events[i]; i++)
		if (place_init(&place, ui.config.prefix, events[i], why) < 0)
			return -1;
	d->events = events;
	if (instance_take(&r->instance, ui.config.state, "fcfs-dispatch", r->instance_given, why) <
	    0)
		return -1;
	result = run_with(r, why);
	if (d->bus)
		d->bus->close(d->bus);
	kafka_close(r->kafka);
	redis_close(d->redis);
	instance_release(&r->instance);
	return result;
}

int main(int argc, char **argv)
{
	struct request request = {0};
	struct fault why;
	char **events = ui_start(&TOOL, argc, argv, &request);

	return ui_finish(run(&request, events, &why), &why);
}
