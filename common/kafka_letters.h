/*
 * kafka_letters.h - dead letters in Kafka: gifticon_publish.dlq, of the whole deployment.
 *
 *   read fcfs_progress --> letter, letter, ... --> records on gifticon_publish, and on fcfs_progress
 *   (what was replayed)                            which letters they were: one transaction
 *
 * Which letters were replayed stands in records of type `redriven`, a block of offsets each, key
 * redriven-PARTITION-BLOCK, so that compaction keeps the last of each. They stand among the
 * progress of events, whose keys are UUIDs: neither reader takes the other's for its own.
 * Who replays is fenced by its transactional id, fcfs-redrive, and reads them only then: so one
 * whose commit was not answered, or that died, has done all of it or nothing when they are read.
 */
#ifndef FCFS_KAFKA_LETTERS_H
#define FCFS_KAFKA_LETTERS_H

#include "kafka.h"
#include "mailbox.h"

/* Calls visit for each dead letter there is now, until it returns -1; which of them were replayed it
 * does not know. A broker that falls silent is waited for a few seconds: a person waits for the
 * answer. EX_UNAVAILABLE, EX_CONFIG where the topic is missing or the brokers refuse us. */
int kafka_dead_letters(struct kafka *,
		       int (*visit)(void *self, const struct letter *, struct fault *), void *self,
		       struct fault *why);

/* Up to the last stable offset now. Unless it replays, it only looks, and fences nobody. EX_CONFIG
 * where a topic is missing, EX_TEMPFAIL while a writer's open transaction may hide what was replayed
 * (who only looks does not wait for that), EX_UNAVAILABLE. */
int kafka_mailbox(struct kafka *, bool replays, struct mailbox **, struct fault *why);

#endif
