#include "explain.h"

#include <string.h>

int explain_check_name(const char *person, struct fault *why)
{
	const char *bad = name_person_fault(person, strlen(person));

	return bad ? fault_set(why, EX_DATAERR, "'%s' is no person's name: %s", person, bad) : 0;
}

static void put(struct table *table, struct reply *reply, int64_t *ticket)
{
	size_t len;
	const char *what = reply_text(reply, &len);

	if (strcmp(what, "ticket") == 0) {
		*ticket = reply_int(reply);
		table_int(table, what, *ticket);
	} else if (reply_is_int(reply)) {
		table_int(table, what, reply_int(reply));
	} else if (strcmp(what, "log") == 0) {
		table_object(table, what, reply_text(reply, &len));
	} else {
		table_text(table, what, reply_text(reply, &len));
	}
}

int explain_redis(struct redis *redis, const struct place *place, const char *person,
		  struct table *table, int64_t *ticket, struct fault *why)
{
	struct reply reply = {0};
	int result = step_once(redis, place, "explain", true, &reply, why, person, NULL);

	*ticket = 0;
	while (result == 0 && reply_more(&reply))
		put(table, &reply, ticket);
	if (result == 0)
		result = reply_check(&reply, place->event_key, why);
	reply_release(&reply);
	return result;
}
