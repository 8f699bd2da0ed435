/*
 * kafka_topics.h - the six topics: what each must be, whether it is, and making it so.
 */
#ifndef FCFS_KAFKA_TOPICS_H
#define FCFS_KAFKA_TOPICS_H

#include "kafka.h"

enum { PARTITIONS_DEFAULT = 6, RETENTION_DAYS = 90 };

/* What a person asks for; zeros: nothing. More than is wanted is always fine. */
struct topic_wish {
	int32_t partitions;   /* of the topics a person's records are spread over. 0: new ones get
				 PARTITIONS_DEFAULT, those that are there stay */
	int32_t replication;  /* 0: 3, or as many as there are brokers */
	int64_t retention_ms; /* 0: RETENTION_DAYS */
};

struct topic_finding {
	const char *name; /* lives as long as the handle */
	bool missing;	  /* is not there, or was not and is now */
	bool differs;	  /* from what is wanted in a way that can be, or was, repaired */
	bool stuck;	  /* differs in a way that only a person can change */
	bool breaks;	  /* what differs breaks a promise; else it only weakens one */
	char detail[1024];
};

/* Finds out, in the order of enum topic, and with `change` creates what is missing and repairs what
 * differs: settings that are not ours stay. Returns 0, how the topics are being in the findings;
 * then every broker knows the topics made. -1: EX_UNAVAILABLE, EX_CONFIG where the brokers refuse,
 * EX_TEMPFAIL where they are slow; what was done until then stays, and may be repeated. */
int kafka_topics(struct kafka *, const struct topic_wish *, bool change,
		 struct topic_finding found[TOPICS], struct fault *why);

#endif
