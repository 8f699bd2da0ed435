#include "giveback.h"

#include <stdio.h>

/* The next part of those that are parked: how many are in the reply, which the caller releases. */
static int64_t read_parked(struct redis *redis, const struct place *place, const char *run,
			   int64_t *scan, struct reply *reply, struct fault *why)
{
	struct step step;
	int result;

	if (step_init(&step, 2, why) < 0)
		return -1;
	step_begin(&step, place, "parked", true);
	step_int(&step, *scan);
	step_text(&step, run);
	result = step_call(&step, place, redis, reply, why);
	step_release(&step);
	if (result == 0) {
		*scan = reply_int(reply);
		result = reply_check(reply, "parked", why);
	}
	return result < 0 ? -1 : (int64_t)(reply->count - reply->next);
}

static int64_t count_returned(struct reply *reply, struct fault *why)
{
	enum { RETURNED, LEFT, BUSY, ISSUED, ABSENT, ANSWERS };
	static const char *const SAYS[ANSWERS] = {[RETURNED] = "returned",
						  [LEFT] = "left",
						  [BUSY] = "busy",
						  [ISSUED] = "issued",
						  [ABSENT] = "absent"};
	int64_t returned = 0;

	while (reply_more(reply)) {
		returned += reply_word(reply, SAYS, ANSWERS) == RETURNED;
		reply_int(reply); /* the ticket */
	}
	return reply_check(reply, "leave", why) < 0 ? -1 : returned;
}

static int64_t revoke(struct redis *redis, const struct place *place, const char *run,
		      const char *who, struct reply *people, size_t count, struct fault *why)
{
	char mode[UUID_LEN + 8];
	struct reply reply = {0};
	int64_t returned = -1;
	struct step step;

	if (step_init(&step, 2 + count, why) < 0)
		return -1;
	snprintf(mode, sizeof mode, "parked:%s", run);
	step_begin(&step, place, "leave", false);
	step_text(&step, who);
	step_text(&step, mode);
	while (reply_more(people)) {
		size_t len;
		const char *person = reply_text(people, &len);

		step_bytes(&step, person, len);
	}
	if (reply_check(people, "parked", why) == 0 &&
	    step_call(&step, place, redis, &reply, why) == 0)
		returned = count_returned(&reply, why);
	reply_release(&reply);
	step_release(&step);
	return returned;
}

int64_t giveback_parked(struct redis *redis, const struct place *place, const char *run,
			const char *who, const struct control *control, struct fault *why)
{
	int64_t scan = 0, total = 0, count, returned;

	do {
		struct reply people = {0};

		returned = 0;
		count = read_parked(redis, place, run, &scan, &people, why);
		if (count > 0)
			returned = revoke(redis, place, run, who, &people, (size_t)count, why);
		reply_release(&people);
		if (count < 0 || returned < 0)
			return -1;
		control->progress(total += returned);
	} while (scan != 0 && !control->stopping());
	return total;
}
