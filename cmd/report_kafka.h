/*
 * report_kafka.h - what fcfs-report tells of Kafka: an event's rows, and the issuers' offsets.
 */
#ifndef FCFS_REPORT_KAFKA_H
#define FCFS_REPORT_KAFKA_H

#include "report.h"
#include "table.h"

/* Where it is all from; redis is NULL, and place too, for an archive. */
struct origin {
	struct report_source *source;
	struct redis *redis;
	const struct place *place;
};

/* Adds the rows of an event that goes through Kafka, or will with its first dispatch; none where it
 * goes through the pipe. What Kafka cannot be asked about is "-", with a warning; -1 only where the
 * command line or the system is at fault, or Redis fails. Of an archive Kafka is not asked. Where
 * winners are stranded, Redis is read once more, and that is said. */
int report_kafka(struct table *, const struct origin *, const struct report *, struct fault *why);

/* Prints a line a partition. EX_UNAVAILABLE, EX_CONFIG. */
int report_offsets(struct fault *why);

#endif
