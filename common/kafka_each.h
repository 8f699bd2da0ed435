/*
 * kafka_each.h - all that stands in a topic, record by record: for who checks it, and is in no group.
 */
#ifndef FCFS_KAFKA_EACH_H
#define FCFS_KAFKA_EACH_H

#include "kafka.h"

struct kafka_record {
	int32_t partition;
	int64_t offset;
	const char *bytes; /* NULL: it has no value */
	size_t len;
	const void *raw; /* for its headers */
};

/* Calls visit for each committed record there is now, partition by partition, in order, until it
 * returns -1. *gone: how many offsets of the beginning are not there any more. EX_TEMPFAIL where a
 * writer's open transaction hides some for too long, EX_CONFIG where the topic is missing or the
 * brokers refuse us, EX_UNAVAILABLE. */
int kafka_each(struct kafka *, enum topic,
	       int (*visit)(void *self, const struct kafka_record *, struct fault *), void *self,
	       int64_t *gone, struct fault *why);

/* A header, NULL and 0 where there is none; a number, -1 where there is none. */
const char *kafka_record_text(const struct kafka_record *, const char *name, size_t *len);
int64_t kafka_record_int(const struct kafka_record *, const char *name);

/* How far the event with this id is out, as its last progress record says; zeros where there is none. */
int kafka_read_progress(struct kafka *, const char *event_id, struct progress *, struct fault *why);

#endif
