#include "code.h"
#include "event.h"
#include "parse.h"
#include "preflight.h"
#include "server.h"
#include "table.h"
#include "ui.h"
#include "who.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STOCK = 1000, NAME, STANDBY, OPENS, CLOSES, CODES, STATE, SETTINGS };

static const struct ui_option OPTIONS[] = {
	{"stock", STOCK, "N", "how many may win"},
	{"name", NAME, "TEXT", "what people call it"},
	{"standby", STANDBY, "N", "how many more may wait for a slot given back (0)"},
	{"opens", OPENS, "T", "RFC 3339, now, or +10m, the server's clock (at once)"},
	{"closes", CLOSES, "T", "the same (never)"},
	{"codes", CODES, "KIND", "random, uuid or pool (random)"},
	{"state", STATE, "STATE", "open, paused or closed (set)"},
	{"force", UI_FORCE, NULL, "create on a server that may evict"},
	{0},
};

struct request {
	const char *given[SETTINGS - STOCK]; /* by option, as typed; NULL: not given */
	int64_t stock, standby;
};

static int take_word(const char *option, const char *value, const char *const words[3],
		     struct fault *why)
{
	for (int i = 0; i < 3; i++)
		if (strcmp(value, words[i]) == 0)
			return 0;
	return fault_set(why, EX_USAGE, "%s '%.32s': expected %s, %s or %s", option, value,
			 words[0], words[1], words[2]);
}

/* What a time says is asked of the server's clock, later: read_settings. */
static int take_time(const char *option, const char *value, struct fault *why)
{
	int64_t ignored_us;

	return *value ? parse_time(option, value, 0, &ignored_us, why) : 0;
}

static int take(void *self, int letter, const char *value, struct fault *why)
{
	static const char *const KINDS[] = {"random", "uuid", "pool"};
	static const char *const STATES[] = {"open", "paused", "closed"};
	struct request *r = self;

	r->given[letter - STOCK] = value;
	switch (letter) {
	case STOCK:
		return parse_count("--stock", value, 0, INT32_MAX, &r->stock, why);
	case STANDBY:
		return parse_count("--standby", value, 0, INT32_MAX, &r->standby, why);
	case OPENS:
		return take_time("--opens", value, why);
	case CLOSES:
		return take_time("--closes", value, why);
	case CODES:
		return take_word("--codes", value, KINDS, why);
	case STATE:
		return take_word("--state", value, STATES, why);
	default:
		return event_title_fault(value)
			       ? fault_set(why, EX_USAGE, "--name: %s", event_title_fault(value))
			       : 0;
	}
}

static const struct ui_tool TOOL = {
	.name = "fcfs-event",
	.synopsis = "create EVENT --stock N [--name TEXT] "
		    "[--standby N] [--opens T] [--closes T] [--codes KIND] [--force]\n"
		    "set EVENT [--stock N] [--name TEXT] "
		    "[--standby N] [--opens T] [--closes T] [--state STATE]\n"
		    "show EVENT\n"
		    "list\n"
		    "check EVENT",
	.about = "Creates an event, changes it, shows it, and checks that all is ready for it.",
	.options = OPTIONS,
	.kafka = true,
	.take = take,
};

static void warn_of_past(const struct event_settings *s, int64_t now_us)
{
	char line[128];

	snprintf(line, sizeof line, "--closes '%.64s' is past: nobody can join", s->closes);
	if (s->closes_us && s->closes_us < now_us)
		ui_warn(line);
}

static const char *given(const struct request *r, int option)
{
	return r->given[option - STOCK];
}

/* The settings given, times by the server's clock. */
static int read_settings(const struct request *r, struct redis *redis, struct event_settings *s,
			 struct fault *why)
{
	int64_t now_us = 0;

	*s = (struct event_settings){.opens = given(r, OPENS) ? given(r, OPENS) : "",
				     .closes = given(r, CLOSES) ? given(r, CLOSES) : "",
				     .codes = given(r, CODES) ? given(r, CODES) : "random",
				     .title = given(r, NAME) ? given(r, NAME) : "",
				     .stock = r->stock,
				     .standby = r->standby};
	if ((*s->opens || *s->closes) && server_now_us(redis, &now_us, why) < 0)
		return -1;
	if (*s->opens && parse_time("--opens", s->opens, now_us, &s->opens_us, why) < 0)
		return -1;
	if (*s->closes && parse_time("--closes", s->closes, now_us, &s->closes_us, why) < 0)
		return -1;
	if (s->closes_us && s->closes_us <= s->opens_us)
		return fault_set(why, EX_USAGE, "--closes '%s' is not after --opens", s->closes);
	warn_of_past(s, now_us);
	return 0;
}

static void expect_create(const struct request *r)
{
	if (!given(r, STOCK))
		ui_misuse("create needs --stock");
	if (given(r, STATE))
		ui_misuse("--state goes with set");
}

static bool has_settings(const struct request *r)
{
	for (int option = STOCK; option < SETTINGS; option++)
		if (given(r, option))
			return true;
	return false;
}

static void expect_set(const struct request *r)
{
	if (given(r, CODES))
		ui_misuse("the kind of codes is fixed when an event is created");
	if (!has_settings(r))
		ui_misuse("set what?");
}

static void expect_none(const struct request *r)
{
	if (has_settings(r))
		ui_misuse("settings go with create and set");
}

static int create(const struct request *r, struct redis *redis, const struct place *place,
		  struct fault *why)
{
	struct event_settings settings;
	char id[UUID_LEN + 1], who[WHO_MAX];
	int created;

	if (read_settings(r, redis, &settings, why) < 0 || ui_check_server(redis, why) < 0)
		return -1;
	code_uuid(id);
	created = event_create(redis, ui.config.prefix, place, &settings, id, who_am_i(who), why);
	if (created < 0 || created == EVENT_DIFFERS)
		return -1;
	if (ui.json)
		printf("{\"status\":\"%s\",\"event\":\"%s\",\"id\":\"%s\"}\n",
		       created == EVENT_SAME ? "exists" : "created", place->name, id);
	else
		printf("%s\t%s\t%s\n", created == EVENT_SAME ? "exists" : "created", place->name,
		       id);
	return created == EVENT_SAME ? STATUS_NO : STATUS_YES;
}

static size_t add_change(struct event_change *change, size_t count, const char *field,
			 const char *text, int64_t number)
{
	change[count].field = field;
	if (text)
		snprintf(change[count].value, sizeof change[count].value, "%s", text);
	else
		snprintf(change[count].value, sizeof change[count].value, "%" PRId64, number);
	return count + 1;
}

static int set(const struct request *r, struct redis *redis, const struct place *place,
	       struct fault *why)
{
	struct event_change change[SETTINGS - STOCK];
	struct event_settings settings;
	char who[WHO_MAX];
	size_t n = 0;

	if (read_settings(r, redis, &settings, why) < 0)
		return -1;
	if (given(r, STOCK))
		n = add_change(change, n, "stock", NULL, settings.stock);
	if (given(r, STANDBY))
		n = add_change(change, n, "standby", NULL, settings.standby);
	if (given(r, NAME))
		n = add_change(change, n, "name", settings.title, 0);
	if (given(r, OPENS))
		n = add_change(change, n, "opens_us", NULL, settings.opens_us);
	if (given(r, CLOSES))
		n = add_change(change, n, "closes_us", NULL, settings.closes_us);
	if (given(r, STATE))
		n = add_change(change, n, "state", given(r, STATE), 0);
	return event_set(redis, place, who_am_i(who), change, n, why);
}

/* What the event's answers are worth on this server. */
static void show_server(struct table *t, const struct server *server,
			const struct replicas *replicas)
{
	const char *window = server_window(server);

	table_text(t, "eviction", server->policy);
	table_text(t, "durability", server_durability(server));
	table_text(t, "window", window ? window : "");
	table_int_if(t, replicas->known, "replicas", replicas->online);
	table_int_if(t, replicas->online > 0, "behind_bytes", replicas->behind_bytes);
	table_int_if(t, replicas->online > 0, "behind_s", replicas->behind_s);
}

static int show(const struct request *r, struct redis *redis, const struct place *place,
		struct fault *why)
{
	struct event e;
	struct server server;
	struct replicas replicas;
	struct table t;

	(void)r;
	if (event_show(redis, place, &e, why) < 0 || server_read(redis, &server, why) < 0 ||
	    server_replicas(redis, &replicas, why) < 0)
		return -1;
	table_begin(&t);
	table_text(&t, "event", place->name);
	table_text(&t, "id", e.id);
	table_text(&t, "name", e.title);
	table_text(&t, "state", e.door);
	table_int(&t, "stock", e.stock);
	table_int(&t, "standby", e.standby);
	table_time(&t, "created", e.created_us);
	table_time(&t, "opens", e.opens_us);
	table_time(&t, "closes", e.closes_us);
	table_text(&t, "codes", e.codes);
	table_int_if(&t, event_has_pool(&e), "codes_loaded", e.codes_loaded);
	table_int_if(&t, event_has_pool(&e), "codes_left", e.codes_left);
	table_text(&t, "bus", e.bus);
	table_int(&t, "joined", e.joined);
	table_int(&t, "waiting", event_waiting(&e));
	table_int(&t, "left", e.left);
	table_int(&t, "granted", e.granted);
	table_int(&t, "returned", e.returned);
	table_int(&t, "issued", e.issued);
	table_text(&t, "lease", e.lease);
	table_int(&t, "epoch", e.epoch);
	show_server(&t, &server, &replicas);
	return table_end(&t, why);
}

static int list_one(struct redis *redis, const char *name, struct fault *why)
{
	struct place place;
	struct event e;

	if (place_init(&place, ui.config.prefix, name, why) < 0)
		return -1;
	if (event_show(redis, &place, &e, why) < 0)
		return why->no_event ? 0 : -1; /* named, never created */
	printf(ui.json ? "{\"event\":\"%s\",\"state\":\"%s\",\"stock\":%" PRId64
			 ",\"joined\":%" PRId64 ",\"granted\":%" PRId64 ",\"returned\":%" PRId64
			 ",\"issued\":%" PRId64 "}\n"
		       : "%s\t%s\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64
			 "\n",
	       name, e.door, e.stock, e.joined, e.granted, e.returned, e.issued);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list(const struct request *r, struct redis *redis, const struct place *place,
		struct fault *why)
{
	struct reply reply;
	const char **names;
	size_t count = 0;
	int result = 0;

	(void)r, (void)place;
	if (event_names(redis, ui.config.prefix, &reply, why) < 0)
		return -1;
	names = calloc(reply.count + 1, sizeof *names);
	while (names && (names[count] = event_next_name(&reply)))
		count++;
	if (!names)
		result = fault_errno(why, EX_OSERR, "list");
	else
		qsort(names, count, sizeof *names, by_name);
	for (size_t i = 0; i < count && result == 0; i++)
		result = list_one(redis, names[i], why);
	free(names);
	reply_release(&reply);
	return result;
}

static int check(const struct request *r, struct redis *redis, const struct place *place,
		 struct fault *why)
{
	(void)r;
	return preflight(redis, place, why);
}

static const struct verb {
	const char *name;
	int events;				/* how many it takes */
	void (*expect)(const struct request *); /* misuse that needs no server to be seen */
	int (*run)(const struct request *, struct redis *, const struct place *, struct fault *);
} VERBS[] = {{"create", 1, expect_create, create}, {"set", 1, expect_set, set},
	     {"show", 1, expect_none, show},	   {"list", 0, expect_none, list},
	     {"check", 1, expect_none, check},	   {0}};

static int run(const struct request *r, char **operands, struct fault *why)
{
	const struct verb *verb = VERBS;
	struct place place;
	struct redis *redis;
	int result;

	while (verb->name && operands[0] && strcmp(verb->name, operands[0]) != 0)
		verb++;
	if (!operands[0] || !verb->name)
		ui_misuse("say create, set, show, list or check");
	if (verb->events ? !operands[1] || operands[2] : operands[1] != NULL)
		ui_misuse(verb->events ? "name one event" : "list takes no operand");
	if (verb->events && place_init(&place, ui.config.prefix, operands[1], why) < 0)
		return -1;
	verb->expect(r);
	redis = ui_connect(why);
	if (!redis)
		return -1;
	result = verb->run(r, redis, &place, why);
	redis_close(redis);
	return result;
}

int main(int argc, char **argv)
{
	struct request request = {0};
	struct fault why;
	char **operands = ui_start(&TOOL, argc, argv, &request);

	return ui_finish(run(&request, operands, &why), &why);
}
