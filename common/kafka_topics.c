/*
 * kafka_topics.c - what each topic must be, and how it is made so.
 *
 * A topic is looked at by what the brokers do with it, their own defaults included. What is not in
 * the table is not ours. librdkafka 2.0 can only replace all settings of a topic at once, so those
 * that it has are sent along; who sets another one in that moment must set it again.
 */
#include "kafka_topics.h"

#include "kafka_admin.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPLICAS = 3, VALUE_MAX = 24 };

#define DAY_MS INT64_C(86400000)
#define OF(topic) (1u << (topic))
#define ALL (OF(TOPICS) - 1)
#define SPREAD (OF(TOPIC_REQUESTS) | OF(TOPIC_WINNERS) | OF(TOPIC_ISSUED))
#define RECORDS (ALL & ~OF(TOPIC_PROGRESS))

enum rule {
	SAME,
	AT_LEAST, /* -1 is without end */
	AT_MOST,
	COPIES,	   /* at least, and not more than there are replicas */
	RETENTION, /* at least as long as is asked for */
};

/* A dead letter is the original and its headers, hence its size. A log of sizes would forget what
 * is not issued yet, hence retention.bytes. Segments of progress are short, for the last one is
 * never compacted. */
static const struct setting {
	const char *name;
	unsigned topics;
	enum rule rule;
	const char *value;
	bool breaks; /* a promise */
} SETTINGS[] = {
	{"compression.type", ALL, SAME, "lz4", false},
	{"min.insync.replicas", ALL, COPIES, NULL, false},
	{"cleanup.policy", RECORDS, SAME, "delete", true},
	{"cleanup.policy", OF(TOPIC_PROGRESS), SAME, "compact", true},
	{"retention.ms", RECORDS & ~OF(TOPIC_LOG), RETENTION, NULL, false},
	{"retention.ms", OF(TOPIC_LOG), AT_LEAST, "-1", true},
	{"retention.bytes", RECORDS, AT_LEAST, "-1", true},
	{"max.message.bytes", OF(TOPIC_DEAD), AT_LEAST, "2097152", true},
	{"segment.ms", OF(TOPIC_PROGRESS), AT_MOST, "3600000", false},
	{"min.cleanable.dirty.ratio", OF(TOPIC_PROGRESS), AT_MOST, "0.1", false},
};

enum { SETTINGS_COUNT = sizeof SETTINGS / sizeof *SETTINGS };

/* Those that are there keep what they have, unless more are asked for. */
static int32_t partitions_wanted(const struct survey *s, enum topic topic)
{
	int32_t fresh = s->topic[topic].partitions ? 1 : PARTITIONS_DEFAULT;

	if (!(SPREAD & OF(topic)))
		return 1;
	return s->wish->partitions ? s->wish->partitions : fresh;
}

static int32_t replicas_wanted(const struct survey *s)
{
	if (s->wish->replication)
		return s->wish->replication;
	return s->brokers < REPLICAS ? s->brokers : REPLICAS;
}

/* What is written is on two brokers before it is answered, and one of three may be away. With two
 * replicas that would stop at the first broker that is away: one must do. */
static int copies_wanted(int32_t replicas)
{
	return replicas >= REPLICAS ? 2 : 1;
}

static const char *value_wanted(const struct survey *s, const struct setting *setting,
				int32_t replicas, char text[VALUE_MAX])
{
	int64_t kept_ms = s->wish->retention_ms ? s->wish->retention_ms : RETENTION_DAYS * DAY_MS;

	if (setting->rule == COPIES)
		snprintf(text, VALUE_MAX, "%d", copies_wanted(replicas));
	else if (setting->rule == RETENTION)
		snprintf(text, VALUE_MAX, "%" PRId64, kept_ms);
	else
		snprintf(text, VALUE_MAX, "%s", setting->value);
	return text;
}

static double number(const char *text)
{
	double value = strtod(text, NULL);

	return value < 0 ? (double)INT64_MAX : value;
}

static bool fits(const struct setting *setting, const char *has, const char *wanted,
		 int32_t replicas)
{
	switch (setting->rule) {
	case SAME:
		return strcmp(has, wanted) == 0;
	case AT_MOST:
		return number(has) <= number(wanted);
	case COPIES:
		return number(has) >= number(wanted) && number(has) <= replicas;
	default:
		return number(has) >= number(wanted);
	}
}

/* --- what it comes to ------------------------------------------------------------------------- */

static void add(struct topic_finding *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct topic_finding *f, const char *format, ...)
{
	size_t len = strlen(f->detail);
	va_list arguments;

	if (len)
		len += (size_t)snprintf(f->detail + len, sizeof f->detail - len, ", ");
	va_start(arguments, format);
	if (len < sizeof f->detail)
		vsnprintf(f->detail + len, sizeof f->detail - len, format, arguments);
	va_end(arguments);
}

static void tell(struct topic_finding *f, int32_t partitions, int32_t replicas, const char *policy,
		 const char *retention)
{
	int64_t kept_ms = strtoll(retention, NULL, 10);

	add(f, "%d partition%s", partitions, partitions == 1 ? "" : "s");
	add(f, "%d replica%s", replicas, replicas == 1 ? "" : "s");
	if (strcmp(policy, "compact") == 0)
		add(f, "the last record of each key kept");
	else if (kept_ms < 0)
		add(f, "kept for ever");
	else if (kept_ms % DAY_MS == 0)
		add(f, "kept %" PRId64 " day%s", kept_ms / DAY_MS, kept_ms == DAY_MS ? "" : "s");
	else
		add(f, "kept %.1f hours", (double)kept_ms / 3600000);
}

/* Whether a setting is to be changed, and to what. */
static bool repairs(const struct survey *s, enum topic t, const struct setting *setting,
		    char wanted[VALUE_MAX])
{
	const struct topic_state *state = &s->topic[t];

	return (setting->topics & OF(t)) &&
	       !fits(setting, topic_value(state, setting->name),
		     value_wanted(s, setting, state->replicas, wanted), state->replicas);
}

static void judge_settings(const struct survey *s, enum topic t, struct topic_finding *f)
{
	const struct topic_state *state = &s->topic[t];
	char wanted[VALUE_MAX];

	for (int i = 0; i < SETTINGS_COUNT; i++) {
		const struct setting *setting = &SETTINGS[i];
		const char *has = topic_value(state, setting->name);

		if (!repairs(s, t, setting, wanted))
			continue;
		add(f, "%s %.40s -> %s", setting->name, *has ? has : "(none)", wanted);
		f->differs = true;
		/* Nothing can be written where more copies are asked for than there are. */
		f->breaks |= setting->breaks ||
			     (setting->rule == COPIES && number(has) > state->replicas);
	}
}

static void judge(const struct survey *s, enum topic t, struct topic_finding *f)
{
	const struct topic_state *state = &s->topic[t];
	int32_t partitions = partitions_wanted(s, t), replicas = replicas_wanted(s);
	char kept[VALUE_MAX];

	*f = (struct topic_finding){.name = s->kafka->topic[t], .missing = !state->partitions};
	if (f->missing) {
		const struct setting retention = {.rule = t == TOPIC_LOG ? SAME : RETENTION,
						  .value = "-1"};

		f->breaks = true;
		tell(f, partitions, replicas, t == TOPIC_PROGRESS ? "compact" : "delete",
		     value_wanted(s, &retention, replicas, kept));
		return;
	}
	judge_settings(s, t, f);
	if (state->partitions < partitions) {
		add(f, "partitions %d -> %d", state->partitions, partitions);
		f->differs = true;
	}
	if (state->replicas < replicas) {
		add(f,
		    "%d replica%s where %d are wanted: add them with kafka-reassign-partitions, or "
		    "accept them with --replication %d",
		    state->replicas, state->replicas == 1 ? "" : "s", replicas, state->replicas);
		f->stuck = true;
	}
	if (!*f->detail)
		tell(f, state->partitions, state->replicas, topic_value(state, "cleanup.policy"),
		     topic_value(state, "retention.ms"));
}

/* --- making it so ----------------------------------------------------------------------------- */

/* How many partitions each has in the end. */
static int settle(const struct survey *s, struct fault *why)
{
	int32_t partitions[TOPICS];

	for (int t = 0; t < TOPICS; t++) {
		partitions[t] = partitions_wanted(s, (enum topic)t);
		if (partitions[t] < s->topic[t].partitions)
			partitions[t] = s->topic[t].partitions;
	}
	return kafka_settled(s->kafka, partitions, why);
}

static rd_kafka_NewTopic_t *new_topic(const struct survey *s, enum topic t)
{
	int32_t replicas = replicas_wanted(s);
	char reason[256], wanted[VALUE_MAX];
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(
		s->kafka->topic[t], partitions_wanted(s, t), replicas, reason, sizeof reason);

	for (int i = 0; i < SETTINGS_COUNT; i++)
		if (SETTINGS[i].topics & OF(t))
			rd_kafka_NewTopic_set_config(
				topic, SETTINGS[i].name,
				value_wanted(s, &SETTINGS[i], replicas, wanted));
	return topic;
}

static int check_brokers(const struct survey *s, struct fault *why)
{
	int32_t replicas = replicas_wanted(s);

	for (int t = 0; t < TOPICS; t++)
		if (!s->topic[t].partitions && replicas > s->brokers)
			return fault_set(
				why, EX_CONFIG,
				"kafka '%s': %d replicas need as many brokers: there %s %d",
				s->kafka->options.brokers, replicas, s->brokers == 1 ? "is" : "are",
				s->brokers);
	return 0;
}

/* How many were created, or -1. */
static int create(const struct survey *s, bool created[TOPICS], struct fault *why)
{
	rd_kafka_NewTopic_t *topic[TOPICS];
	rd_kafka_event_t *done;
	size_t count = 0;

	for (int t = 0; t < TOPICS; t++) {
		created[t] = !s->topic[t].partitions;
		if (created[t])
			topic[count++] = new_topic(s, (enum topic)t);
	}
	if (!count)
		return 0;
	done = kafka_admin(s->kafka, RD_KAFKA_ADMIN_OP_CREATETOPICS, topic, count, why);
	rd_kafka_NewTopic_destroy_array(topic, count);
	if (!done)
		return -1;
	rd_kafka_event_destroy(done);
	return settle(s, why) < 0 ? -1 : (int)count;
}

static bool repairs_name(const struct survey *s, enum topic t, const char *name)
{
	char wanted[VALUE_MAX];

	for (int i = 0; i < SETTINGS_COUNT; i++)
		if (strcmp(SETTINGS[i].name, name) == 0 && repairs(s, t, &SETTINGS[i], wanted))
			return true;
	return false;
}

/* What is wanted, and of what the topic has of its own all else: a name may come only once.
 * Returns how much is wanted. */
static int fill(const struct survey *s, enum topic t, rd_kafka_ConfigResource_t *resource)
{
	const struct topic_state *state = &s->topic[t];
	char wanted[VALUE_MAX];
	int count = 0;

	for (int i = 0; i < SETTINGS_COUNT; i++)
		if (repairs(s, t, &SETTINGS[i], wanted)) {
			rd_kafka_ConfigResource_set_config(resource, SETTINGS[i].name, wanted);
			count++;
		}
	for (size_t i = 0; i < state->entries; i++) {
		const rd_kafka_ConfigEntry_t *entry = state->entry[i];
		const char *name = rd_kafka_ConfigEntry_name(entry);

		if (rd_kafka_ConfigEntry_source(entry) ==
			    RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG &&
		    !repairs_name(s, t, name))
			rd_kafka_ConfigResource_set_config(resource, name,
							   rd_kafka_ConfigEntry_value(entry));
	}
	return count;
}

static bool repaired(const struct survey *s)
{
	char wanted[VALUE_MAX];

	for (int i = 0; i < TOPICS * SETTINGS_COUNT; i++)
		if (repairs(s, (enum topic)(i % TOPICS), &SETTINGS[i / TOPICS], wanted))
			return false;
	return true;
}

static int repair_settings(struct survey *s, struct fault *why)
{
	rd_kafka_ConfigResource_t *resource[TOPICS];
	rd_kafka_event_t *done = NULL;
	size_t count = 0;

	for (int t = 0; t < TOPICS; t++) {
		resource[count] =
			rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, s->kafka->topic[t]);
		if (fill(s, (enum topic)t, resource[count]))
			count++;
		else
			rd_kafka_ConfigResource_destroy(resource[count]);
	}
	if (!count)
		return 0;
	done = kafka_admin(s->kafka, RD_KAFKA_ADMIN_OP_ALTERCONFIGS, resource, count, why);
	rd_kafka_ConfigResource_destroy_array(resource, count);
	if (!done)
		return -1;
	rd_kafka_event_destroy(done);
	return survey_until(s, repaired, why);
}

static int repair_partitions(const struct survey *s, struct fault *why)
{
	rd_kafka_NewPartitions_t *more[TOPICS];
	rd_kafka_event_t *done;
	size_t count = 0;
	char reason[256];

	for (int t = 0; t < TOPICS; t++) {
		int32_t wanted = partitions_wanted(s, (enum topic)t);

		if (s->topic[t].partitions < wanted)
			more[count++] = rd_kafka_NewPartitions_new(
				s->kafka->topic[t], (size_t)wanted, reason, sizeof reason);
	}
	if (!count)
		return 0;
	done = kafka_admin(s->kafka, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, more, count, why);
	rd_kafka_NewPartitions_destroy_array(more, count);
	if (!done)
		return -1;
	rd_kafka_event_destroy(done);
	return settle(s, why);
}

int kafka_topics(struct kafka *k, const struct topic_wish *wish, bool change,
		 struct topic_finding found[TOPICS], struct fault *why)
{
	struct survey s = {.kafka = k, .wish = wish};
	bool created[TOPICS] = {false};
	int result = survey_take(&s, why) < 0 || check_brokers(&s, why) < 0 ? -1 : 0;

	if (result == 0 && change)
		result = create(&s, created, why);
	if (result > 0) {
		survey_release(&s);
		result = survey_take(&s, why);
	}
	for (int t = 0; t < TOPICS && result == 0; t++) {
		judge(&s, (enum topic)t, &found[t]);
		found[t].missing |= created[t];
	}
	if (result == 0 && change && repair_settings(&s, why) < 0)
		result = -1;
	if (result == 0 && change)
		result = repair_partitions(&s, why);
	survey_release(&s);
	return result;
}
