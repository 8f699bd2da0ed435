/*
 * kafka_bus.c - what dispatcher and issuer are given: a producer an event, a member and its producer.
 */
#include "kafka_private.h"

#include <stdio.h>
#include <stdlib.h>

/* Commits cost the same however much they hold: this many make them cheap. */
enum { BATCH = 20000 };

struct kafka_bus {
	struct bus bus;
	struct kafka *kafka;
};

static int open_sink(struct bus *bus, const char *event_id, struct sink **sink, struct fault *why)
{
	char id[KAFKA_NAME_MAX];

	snprintf(id, sizeof id, "fcfs-dispatch-%s", event_id);
	return kafka_sink_open(((struct kafka_bus *)bus)->kafka, id, NULL, bus, sink, why);
}

static void close_bus(struct bus *bus)
{
	free(bus);
}

int kafka_bus(struct kafka *k, struct bus **bus, struct fault *why)
{
	struct kafka_bus *b;

	*bus = NULL;
	if (kafka_require(k, why) < 0)
		return -1;
	b = calloc(1, sizeof *b);
	if (!b)
		return fault_errno(why, EX_OSERR, "kafka");
	b->kafka = k;
	b->bus = (struct bus){
		.name = "kafka", .batch = BATCH, .open = open_sink, .close = close_bus};
	*bus = &b->bus;
	return 0;
}

int kafka_member(struct kafka *k, const char *instance, bool follow, struct source **source,
		 struct sink **sink, struct fault *why)
{
	char id[KAFKA_NAME_MAX];
	struct kafka_in *in;

	snprintf(id, sizeof id, "fcfs-issue-%s", instance);
	*source = NULL;
	*sink = NULL;
	if (kafka_require(k, why) < 0 || kafka_source_open(k, instance, follow, &in, why) < 0)
		return -1;
	if (kafka_sink_open(k, id, in, NULL, sink, why) == 0)
		return *source = &in->source, 0;
	in->source.close(&in->source);
	return -1;
}
