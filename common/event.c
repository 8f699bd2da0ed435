#include "event.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct field {
	const char *name; /* as stored */
	size_t offset;
	size_t size; /* of a text; 0: a number */
};

/* clang-format off */
#define NUMBER(member) {#member, offsetof(struct event, member), 0}
#define TEXT(name, member) \
	{name, offsetof(struct event, member), sizeof((struct event *)0)->member}
/* clang-format on */

static const struct field FIELDS[] = {
	TEXT("id", id),
	TEXT("name", title),
	TEXT("state", state),
	TEXT("door", door),
	TEXT("codes", codes),
	TEXT("bus", bus),
	TEXT("lease", lease),
	NUMBER(stock),
	NUMBER(standby),
	NUMBER(opens_us),
	NUMBER(closes_us),
	NUMBER(created_us),
	NUMBER(joined),
	NUMBER(already),
	NUMBER(left),
	NUMBER(granted),
	NUMBER(returned),
	NUMBER(issued),
	NUMBER(parked),
	NUMBER(revoked),
	NUMBER(burnt),
	NUMBER(refused_soldout),
	NUMBER(refused_early),
	NUMBER(refused_closed),
	NUMBER(refused_paused),
	NUMBER(refused_left),
	NUMBER(cursor),
	NUMBER(settled),
	NUMBER(epoch),
	NUMBER(rebuilt_us),
	NUMBER(pass_us),
	NUMBER(lease_ms),
	NUMBER(now_us),
	NUMBER(in_line),
	NUMBER(assigned_now),
	NUMBER(issued_now),
	NUMBER(seq),
	NUMBER(codes_loaded),
	NUMBER(codes_left),
	NUMBER(published_requests),
	NUMBER(published_winners),
	NUMBER(published_seq),
	NUMBER(first_joined_us),
	NUMBER(last_joined_us),
};

enum { KEY_MAX = EVENT_MAX + 32 };

static const char *names_key(char key[KEY_MAX], const char *prefix)
{
	snprintf(key, KEY_MAX, "%sfcfs:events", prefix);
	return key;
}

int event_names(struct redis *redis, const char *prefix, struct reply *reply, struct fault *why)
{
	char key[KEY_MAX];

	return redis_words(redis, reply, why, "SMEMBERS", names_key(key, prefix), NULL);
}

const char *event_next_name(struct reply *names)
{
	while (reply_more(names)) {
		size_t len;
		const char *name = reply_text(names, &len);

		if (name_is_event(name, len))
			return name;
	}
	return NULL;
}

static int change_names(struct redis *redis, const char *command, const char *prefix,
			const struct place *place, struct fault *why)
{
	struct reply reply;
	char key[KEY_MAX];

	names_key(key, prefix);
	if (redis_words(redis, &reply, why, command, key, place->name, NULL) < 0)
		return -1;
	reply_release(&reply);
	return 0;
}

int event_name_add(struct redis *redis, const char *prefix, const struct place *place,
		   struct fault *why)
{
	return change_names(redis, "SADD", prefix, place, why);
}

int event_name_keep(struct redis *redis, const char *prefix, const struct place *place,
		    struct fault *why)
{
	int kept = redis_waits(redis) ? 0 : 1;

	while (kept == 0)
		kept = event_name_add(redis, prefix, place, why) < 0
			       ? -1
			       : step_confirm(place, redis, redis_connections(redis), why);
	return kept < 0 ? -1 : 0;
}

int event_name_drop(struct redis *redis, const char *prefix, const struct place *place,
		    struct fault *why)
{
	return change_names(redis, "SREM", prefix, place, why);
}

static int read_creation(struct reply *reply, const struct place *place, char id[UUID_LEN + 1],
			 struct fault *why)
{
	static const char *const SAYS[] = {
		[EVENT_CREATED] = "created", [EVENT_SAME] = "same", [EVENT_DIFFERS] = "differs"};
	const size_t answer = reply_word(reply, SAYS, sizeof SAYS / sizeof *SAYS);
	size_t len;
	const char *detail = reply_text(reply, &len);

	if (reply_check(reply, place->event_key, why) < 0)
		return -1;
	if (answer == EVENT_DIFFERS) {
		fault_set(why, EX_DATAERR,
			  "event '%s' exists with other settings (%s): change them with "
			  "fcfs-event set",
			  place->name, detail);
		return EVENT_DIFFERS;
	}
	snprintf(id, UUID_LEN + 1, "%s", detail);
	return (int)answer;
}

static void add_setting(struct step *step, const char *field, const char *value)
{
	step_text(step, field);
	step_text(step, value);
}

static void add_number(struct step *step, const char *field, int64_t value)
{
	step_text(step, field);
	step_int(step, value);
}

int event_create(struct redis *redis, const char *prefix, const struct place *place,
		 const struct event_settings *s, char id[UUID_LEN + 1], const char *who,
		 struct fault *why)
{
	char as_given[512];
	struct step step;
	struct reply reply = {0};
	int result = -1;

	if (snprintf(as_given, sizeof as_given,
		     "stock=%" PRId64 " standby=%" PRId64 " opens=%s closes=%s codes=%s name=%s",
		     s->stock, s->standby, s->opens, s->closes, s->codes,
		     s->title) >= (int)sizeof as_given)
		return fault_set(why, EX_USAGE, "event '%s': a setting is too long", place->name);
	if (event_name_add(redis, prefix, place, why) < 0 || step_init(&step, 20, why) < 0)
		return -1;
	step_begin(&step, place, "create", false);
	step_text(&step, id);
	step_text(&step, as_given);
	step_text(&step, who);
	add_number(&step, "stock", s->stock);
	add_number(&step, "standby", s->standby);
	add_number(&step, "opens_us", s->opens_us);
	add_number(&step, "closes_us", s->closes_us);
	add_setting(&step, "codes", s->codes);
	add_setting(&step, "name", s->title);
	if (step_call(&step, place, redis, &reply, why) == 0 &&
	    event_name_keep(redis, prefix, place, why) == 0)
		result = read_creation(&reply, place, id, why);
	reply_release(&reply);
	step_release(&step);
	return result;
}

static int read_change(struct reply *reply, const struct place *place, struct fault *why)
{
	enum { SET, GRANTED, TIMES, ANSWERS };
	static const char *const SAYS[ANSWERS] = {
		[SET] = "set", [GRANTED] = "granted", [TIMES] = "times"};
	const size_t answer = reply_word(reply, SAYS, ANSWERS);
	const int64_t granted = answer == GRANTED ? reply_int(reply) : 0;

	if (reply_check(reply, place->event_key, why) < 0)
		return -1;
	if (answer == GRANTED)
		return fault_set(why, EX_DATAERR,
				 "event '%s': %" PRId64 " are granted already: stock cannot go "
				 "below that",
				 place->name, granted);
	if (answer == TIMES)
		return fault_set(why, EX_DATAERR, "event '%s': it would close before it opens",
				 place->name);
	return 0;
}

int event_set(struct redis *redis, const struct place *place, const char *who,
	      const struct event_change *change, size_t count, struct fault *why)
{
	struct step step;
	struct reply reply = {0};
	int result = -1;

	if (step_init(&step, 1 + 2 * count, why) < 0)
		return -1;
	step_begin(&step, place, "set", false);
	step_text(&step, who);
	for (size_t i = 0; i < count; i++)
		add_setting(&step, change[i].field, change[i].value);
	if (step_call(&step, place, redis, &reply, why) == 0)
		result = read_change(&reply, place, why);
	reply_release(&reply);
	step_release(&step);
	return result;
}

void event_keep(struct event *event, const char *name, const char *value)
{
	for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++) {
		char *at = (char *)event + FIELDS[i].offset;

		if (strcmp(FIELDS[i].name, name) != 0)
			continue;
		if (FIELDS[i].size)
			snprintf(at, FIELDS[i].size, "%s", value);
		else
			*(int64_t *)(void *)at = strtoll(value, NULL, 10);
		return;
	}
}

int event_show(struct redis *redis, const struct place *place, struct event *event,
	       struct fault *why)
{
	struct reply reply = {0};
	int result = -1;

	memset(event, 0, sizeof *event);
	if (step_once(redis, place, "show", true, &reply, why, NULL) == 0) {
		while (reply_more(&reply) && !reply.unsound) {
			size_t len;
			const char *name = reply_text(&reply, &len);

			event_keep(event, name, reply_text(&reply, &len));
		}
		result = reply_check(&reply, place->event_key, why);
	}
	reply_release(&reply);
	return result;
}

bool event_has_pool(const struct event *event)
{
	return strcmp(event->codes, "pool") == 0;
}

int64_t event_good_codes(const struct event *event)
{
	return event->codes_loaded - event->burnt;
}

int64_t event_waiting(const struct event *event)
{
	return event->in_line - event->granted - event->left;
}

const char *event_title_fault(const char *title)
{
	if (strlen(title) > EVENT_TITLE_MAX)
		return "longer than 128 bytes";
	while (*title) {
		size_t word = strcspn(title, " ");
		const char *fault = name_person_fault(title, word);

		if (fault)
			return fault;
		title += word;
		if (*title && !*++title)
			return "ends in a space";
	}
	return NULL;
}
