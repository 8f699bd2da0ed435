#include "issue_delivery.h"

#include "dead_file.h"
#include "parse.h"
#include "pipe.h"

#include <limits.h>
#include <string.h>

const struct delivery_request DELIVERY_DEFAULTS = {
	.options = {.window = DELIVER_WINDOW,
		    .timeout_ms = DELIVER_TIMEOUT_MS,
		    .retry = {.retries = RETRY_RETRIES, .max_ms = RETRY_MAX_MS}},
	.skip_limit = -1,
};

static int take_retries(struct retry *retry, const char *value, struct fault *why)
{
	int64_t retries;

	if (parse_count("--retries", value, 0, INT_MAX - 1, &retries, why) < 0)
		return -1;
	retry->retries = (int)retries;
	return 0;
}

static int take_command(struct delivery_request *r, const char *command, struct fault *why)
{
	if (strspn(command, " \t\n") == strlen(command))
		return fault_set(why, EX_USAGE, "--deliver: name a command");
	r->options.command = command;
	return 0;
}

int delivery_take(struct delivery_request *r, int letter, const char *value, struct fault *why)
{
	switch (letter) {
	case DELIVER:
		return take_command(r, value, why);
	case DELIVER_TIMEOUT:
		return parse_wait("--deliver-timeout", value, &r->options.timeout_ms, why);
	case DELIVER_RETRIES:
		return take_retries(&r->options.retry, value, why);
	case DELIVER_RETRY_MAX:
		return parse_duration("--retry-max", value, &r->options.retry.max_ms, why);
	case DELIVER_SKIP_LIMIT:
		return parse_count("--skip-limit", value, 0, INT64_MAX, &r->skip_limit, why);
	default:
		r->dead_letters = value;
		return 0;
	}
}

static int open_dead_letters(const struct delivery_request *r, struct issue *i, struct fault *why)
{
	struct dead_file *file;

	if (strcmp(i->bus, "pipe") != 0)
		return fault_set(why, EX_USAGE,
				 "--dead-letters is for a pipe: through Kafka they go to their "
				 "topic");
	if (dead_file_open(r->dead_letters, &file, why) < 0)
		return -1;
	pipe_sink_dead(i->sink, file);
	return 0;
}

int delivery_open(const struct delivery_request *r, struct issue *i, struct fault *why)
{
	i->retry = r->options.retry;
	i->skip_limit = r->skip_limit;
	if (r->dead_letters && open_dead_letters(r, i, why) < 0)
		return -1;
	return r->options.command ? deliver_open(&r->options, i->control, &i->deliver, why) : 0;
}
