#include "issue_return.h"

#include "buffer.h"
#include "event.h"
#include "giveback.h"
#include "revoked.h"
#include "ui.h"
#include "who.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct job {
	struct redis *redis;
	struct ledger *ledger; /* NULL: none */
	const char *run;       /* "": any */
	char who[WHO_MAX];
	int64_t returned;
};

static int print(const char *event, int64_t returned, struct fault *why)
{
	struct buffer line = {0};
	int result = 0;

	if (ui.json) {
		json_begin(&line);
		json_cstring(&line, "event", event);
		json_int(&line, "returned", returned);
		json_end(&line);
		result = ui_line(&line, why);
		buffer_release(&line);
	} else {
		printf("%s\t%" PRId64 "\n", event, returned);
	}
	return result < 0 ? -1 : ui_flush(why);
}

static int return_event(struct job *job, const char *event, struct fault *why)
{
	struct place place;
	int64_t returned, told = 0;

	if (place_init(&place, ui.config.prefix, event, why) < 0)
		return -1;
	returned = giveback_parked(job->redis, &place, job->run, job->who, &ui_control, why);
	if (returned < 0)
		return -1;
	job->returned += returned;
	if (returned && print(event, returned, why) < 0)
		return -1;
	return job->ledger && revoked_tell(job->redis, &place, job->ledger, &told, why) < 0 ? -1
											    : 0;
}

/* Those whose name is there and that were never created, or are gone, have nothing parked. */
static int return_all(struct job *job, struct fault *why)
{
	struct reply names = {0};
	int result = event_names(job->redis, ui.config.prefix, &names, why);
	const char *name;

	while (result == 0 && (name = event_next_name(&names)) && !ui_control.stopping()) {
		result = return_event(job, name, why);
		if (result < 0 && why->no_event)
			result = 0;
	}
	reply_release(&names);
	return result;
}

static int connect_to(struct job *job, const char *ledger, struct fault *why)
{
	if (ledger && ledger_open(ledger, &job->ledger, why) < 0)
		return -1;
	job->redis = ui_connect(why);
	return job->redis ? 0 : -1;
}

int return_dead(const char *run, char **events, const char *ledger, struct fault *why)
{
	const bool any = strcmp(run, "all") == 0;
	struct job job = {.run = any ? "" : run};
	int result;

	if (!any && !name_is_uuid(run, strlen(run)))
		return fault_set(why, EX_USAGE,
				 "--return-dead '%s': expected a run's id, as fcfs-report --runs "
				 "shows it, or all",
				 run);
	who_am_i(job.who);
	result = connect_to(&job, ledger, why);
	if (result == 0 && !events[0])
		result = return_all(&job, why);
	for (; *events && result == 0 && !ui_control.stopping(); events++)
		result = return_event(&job, *events, why);
	if (result == 0 && ui_control.stopping())
		result = fault_set(why, EX_TEMPFAIL, "asked to stop: run again for what is left");
	redis_close(job.redis);
	ledger_close(job.ledger);
	return result < 0 ? -1 : job.returned ? STATUS_YES : STATUS_NO;
}
