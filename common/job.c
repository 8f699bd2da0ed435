#include "job.h"

#include <string.h>

static int call(struct redis *redis, const struct place *place, const char *name,
		const struct run *run, struct reply *reply, struct fault *why)
{
	struct step step;
	int result;

	if (step_init(&step, 3, why) < 0)
		return -1;
	step_begin(&step, place, name, false);
	step_text(&step, run->run);
	step_text(&step, run->host);
	step_int(&step, JOB_MS);
	result = step_call(&step, place, redis, reply, why);
	step_release(&step);
	return result;
}

int job_hold(struct redis *redis, const struct place *place, const struct run *run,
	     struct fault *why)
{
	struct reply reply = {0};
	int result = call(redis, place, "job", run, &reply, why);
	size_t len;
	bool busy = result == 0 && strcmp(reply_text(&reply, &len), "busy") == 0;
	const char *host = busy ? reply_text(&reply, &len) : "";

	if (result == 0)
		result = reply_check(&reply, place->event_key, why);
	if (result == 0 && busy)
		result = fault_set(why, EX_TEMPFAIL,
				   "event '%s': a run on '%s' issues it alone (--exclusive): try "
				   "again when that has ended",
				   place->name, host);
	reply_release(&reply);
	return result;
}

int job_free(struct redis *redis, const struct place *place, const struct run *run,
	     struct fault *why)
{
	struct reply reply = {0};
	int result = call(redis, place, "free", run, &reply, why);

	reply_release(&reply);
	return result;
}
