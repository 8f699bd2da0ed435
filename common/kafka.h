/*
 * kafka.h - the bus on Apache Kafka: durable topics, transactions, a consumer group.
 *
 * This header and kafka*.c are the only ones to know librdkafka. Clients are transactional,
 * idempotent producers (acks=all, lz4, murmur2 as Java's, key = person) and read_committed
 * consumers whose offsets go with the producer's transaction; their buffers are bounded.
 * Names of topics, groups and transactional ids begin with the deployment's prefix.
 */
#ifndef FCFS_KAFKA_H
#define FCFS_KAFKA_H

#include "bus.h"

struct kafka_options {
	const char *brokers;	     /* HOST:PORT,... */
	const char *prefix;	     /* "" or a legal one */
	const char *properties_file; /* NULL or "": none */
	const char *const *property; /* K=V, NULL-terminated; goes before the file's. May be NULL */
	const char *stats_file;	     /* where statistics are appended, JSON lines; NULL: nowhere */
	int64_t connect_timeout_ms;
	int64_t reconnect_ms; /* how long lost brokers are waited for */
	const struct control *control;
};

struct kafka;

/* Reads the properties and asks the brokers once. EX_UNAVAILABLE with the address where none
 * answers, EX_USAGE for a property that is none, or one that fcfs sets itself, EX_CONFIG where the
 * file cannot be read or the brokers refuse us. The options are borrowed. */
int kafka_open(const struct kafka_options *, struct kafka **, struct fault *why);
void kafka_close(struct kafka *); /* after all that was opened with it; NULL is fine */

/* The topic's name, with the prefix. Lives as long as the handle. */
const char *kafka_topic(const struct kafka *, enum topic);

/* Without: a constant. */
const char *kafka_topic_word(enum topic);

/* EX_CONFIG where one of the topics is missing. */
int kafka_require(struct kafka *, struct fault *why);

/* The dispatcher's bus: one transactional producer an event. The bus's close is its end. */
int kafka_bus(struct kafka *, struct bus **, struct fault *why);

/* The issuer's: a static member of the group and its producer, tied to each other: a commit takes
 * the offsets along. Unless it follows, the source ends when every partition is committed to the
 * last stable offset it had at the start. Close the sink first. */
int kafka_member(struct kafka *, const char *instance, bool follow, struct source **,
		 struct sink **, struct fault *why);

#endif
