/*
 * audit.h - reads all that is known of an event, from every place that knows it, into an audit_db.
 *
 *   Redis --> progress --> topics --> how far the issuers are --> ledger --> Redis, again
 *
 * Each place is read after those whose words it confirms: what Redis says is published was in Kafka
 * before Redis said so, so it is found there. What Redis decided meanwhile would look like a breach, so
 * the event must stand as it stood when the last place has been read; else it is read anew.
 */
#ifndef FCFS_AUDIT_H
#define FCFS_AUDIT_H

#include "audit_db.h"
#include "kafka.h"
#include "ledger.h"
#include "step.h"

struct audit_sources {
	struct redis *redis;
	const struct place *place;
	struct kafka *kafka;   /* NULL: its topics are not read */
	struct ledger *ledger; /* NULL likewise */
	const struct control *control;
};

/* The caller closes it. NULL and why: EX_TEMPFAIL where the event does not stand still. */
struct audit_db *audit_read(const struct audit_sources *, struct fault *why);

/* Of the event with this id; one place each. */
int audit_read_redis(struct audit_db *, const struct audit_sources *, const char *id,
		     struct fault *why);
int audit_read_topics(struct audit_db *, struct kafka *, const char *id, struct fault *why);
int audit_read_ledger(struct audit_db *, struct ledger *, const char *id, struct fault *why);

#endif
