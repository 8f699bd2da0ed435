/*
 * kafka_admin.h - administrative calls: what kafka_topics.c, which decides, has from others.
 */
#ifndef FCFS_KAFKA_ADMIN_H
#define FCFS_KAFKA_ADMIN_H

#include "kafka_private.h"
#include "kafka_topics.h"

/* One call and its answer, which the caller destroys, without an error in any part of it: `things`
 * is the array that librdkafka's function of this name takes, of `count`. A topic that is there
 * already, or has the partitions already, is no error: another process was faster. NULL and why. */
rd_kafka_event_t *kafka_admin(struct kafka *, rd_kafka_admin_op_t, void *things, size_t count,
			      struct fault *why);

enum { SETTLE_MS = 30000 }; /* what was changed is known within that */

/* Until every broker knows that each topic has so many partitions, all with a leader. */
int kafka_settled(struct kafka *, const int32_t partitions[TOPICS], struct fault *why);

struct topic_state {
	int32_t partitions; /* 0: there is no such topic */
	int32_t replicas;   /* of the partition that has the fewest */
	const rd_kafka_ConfigEntry_t **entry;
	size_t entries;
};

struct survey {
	struct kafka *kafka; /* this and the wish are the caller's */
	const struct topic_wish *wish;
	int32_t brokers;
	struct topic_state topic[TOPICS];
	rd_kafka_event_t *described; /* keeps the entries; NULL: there are none */
};

/* Asks for the topics and their settings; released by the caller, whatever is returned. */
int survey_take(struct survey *, struct fault *why);
void survey_release(struct survey *);

/* Taken again until it is so, for SETTLE_MS: a setting that was accepted is told a moment later. */
int survey_until(struct survey *, bool (*so)(const struct survey *), struct fault *why);

/* A setting as it is in force; "" where the brokers do not know it. */
const char *topic_value(const struct topic_state *, const char *name);

#endif
