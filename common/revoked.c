#include "revoked.h"

#include "event.h"

#include <stdlib.h>

enum { PART = 1000 }; /* rows a transaction */

struct teller {
	struct redis *redis;
	const struct place *place;
	struct ledger *ledger;
	struct event event;
	int64_t connections; /* redis_connections, behind the event */
	struct step step;
	struct ledger_mark mark[PART];
	size_t count;
	int64_t marked;
};

static int confirm(const struct teller *t, struct fault *why)
{
	int confirmed = step_confirm(t->place, t->redis, t->connections, why);

	if (confirmed == 0)
		return fault_set(
			why, EX_TEMPFAIL,
			"event '%s': the connection to redis was lost while its revoked codes "
			"were read: run again",
			t->place->name);
	return confirmed < 0 ? -1 : 0;
}

static int mark(struct teller *t, struct fault *why)
{
	int64_t met = -1;

	if (t->count == 0)
		return 0;
	if (confirm(t, why) < 0)
		return -1;
	if (ledger_begin(t->ledger, why) == 0)
		met = ledger_mark(t->ledger, t->event.id, t->mark, t->count, why);
	if (met < 0 || ledger_commit(t->ledger, why) < 0) {
		ledger_rollback(t->ledger);
		return -1;
	}
	t->marked += met;
	t->count = 0;
	return 0;
}

static int read_part(struct teller *t, struct reply *part, int64_t *scan, struct fault *why)
{
	int result = 0;

	*scan = reply_int(part);
	while (result == 0 && reply_more(part)) {
		t->mark[t->count++] =
			(struct ledger_mark){.ticket = reply_int(part), .state = LEDGER_RETURNED};
		if (t->count == PART)
			result = mark(t, why);
	}
	return result == 0 ? reply_check(part, "revoked", why) : -1;
}

static int tell(struct teller *t, struct fault *why)
{
	int64_t scan = 0;
	int result;

	do {
		struct reply part = {0};

		step_begin(&t->step, t->place, "revoked", true);
		step_text(&t->step, t->event.id);
		step_int(&t->step, scan);
		result = step_call(&t->step, t->place, t->redis, &part, why);
		if (result == 0)
			result = read_part(t, &part, &scan, why);
		reply_release(&part);
	} while (result == 0 && scan != 0);
	return result == 0 ? mark(t, why) : -1;
}

/* The count is taken first: what is revoked while the marks are read is told next time, too. */
static int tell_news(struct teller *t, int64_t *told, struct fault *why)
{
	if (event_show(t->redis, t->place, &t->event, why) < 0)
		return -1;
	t->connections = redis_connections(t->redis);
	if (t->event.revoked == *told)
		return 0;
	if (tell(t, why) < 0)
		return -1;
	*told = t->event.revoked;
	return 0;
}

int64_t revoked_tell(struct redis *redis, const struct place *place, struct ledger *ledger,
		     int64_t *told, struct fault *why)
{
	struct teller *t = malloc(sizeof *t);
	int64_t marked;
	int result = -1;

	if (!t)
		return fault_set(why, EX_OSERR, "out of memory");
	*t = (struct teller){.redis = redis, .place = place, .ledger = ledger};
	if (step_init(&t->step, 2, why) == 0)
		result = tell_news(t, told, why);
	if (result < 0 && why->no_event)
		result = 0;
	marked = t->marked;
	step_release(&t->step);
	free(t);
	return result < 0 ? -1 : marked;
}

int64_t revoked_tell_all(struct redis *redis, const char *prefix, struct ledger *ledger,
			 struct fault *why)
{
	struct reply names = {0};
	int64_t marked = 0;
	const char *name;

	if (event_names(redis, prefix, &names, why) < 0)
		return -1;
	while (marked >= 0 && (name = event_next_name(&names))) {
		struct place place;
		int64_t more = -1, told = 0;

		if (place_init(&place, prefix, name, why) == 0)
			more = revoked_tell(redis, &place, ledger, &told, why);
		marked = more < 0 ? -1 : marked + more;
	}
	reply_release(&names);
	return marked;
}
