#include "job.h"

int job_hold(struct redis *redis, const struct place *place, const struct run *run,
	     struct fault *why)
{
	enum { HELD, BUSY, ANSWERS };
	static const char *const SAYS[ANSWERS] = {[HELD] = "held", [BUSY] = "busy"};
	struct reply reply = {0};
	int result = step_once(redis, place, "job", false, &reply, why, run->run, run->host, JOB_MS,
			       NULL);
	size_t len;
	bool busy = result == 0 && reply_word(&reply, SAYS, ANSWERS) == BUSY;
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
	int result = step_once(redis, place, "free", false, &reply, why, run->run, NULL);

	reply_release(&reply);
	return result;
}
