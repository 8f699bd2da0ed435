/*
 * explain_sources.h - what Kafka and the ledger have of a person (P10), never a code.
 */
#ifndef FCFS_EXPLAIN_SOURCES_H
#define FCFS_EXPLAIN_SOURCES_H

#include "kafka.h"
#include "ledger.h"
#include "table.h"

/* Of the event with this id: where their records stand, PARTITION:OFFSET, a topic a line. Reads the
 * topics from the beginning to the end; faults as kafka_each. */
int explain_topics(struct kafka *, const char *id, const char *person, struct table *,
		   struct fault *why);

/* Their row: its state and times. */
int explain_ledger(struct ledger *, const char *id, const char *person, struct table *,
		   struct fault *why);

#endif
