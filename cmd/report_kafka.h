/*
 * report_kafka.h - what fcfs-report tells of Kafka: an event's rows, and the issuers' offsets.
 */
#ifndef FCFS_REPORT_KAFKA_H
#define FCFS_REPORT_KAFKA_H

#include "event.h"
#include "table.h"

/* Adds the rows of an event that goes through Kafka, or will with its first dispatch; none where it
 * goes through the pipe. What Kafka cannot be asked about is "-", with a warning; -1 only where the
 * command line or the system is at fault. Of an archive (redis is NULL) Kafka is not asked. */
int report_kafka(struct table *, struct redis *, const struct place *, const struct event *,
		 struct fault *why);

/* Prints a line a partition. EX_UNAVAILABLE, EX_CONFIG. */
int report_offsets(struct fault *why);

#endif
