/*
 * kafka_lag.h - how far the issuers are behind, in the whole deployment: all events share its topics.
 *
 * It asks, joins no group and changes nothing. A broker that falls silent is waited for a few
 * seconds, not for as long as a loop would: a person waits for the answer. Transactions that are open
 * are waited for KAFKA_SETTLE_MS: what was committed just now may need a moment to be seen.
 */
#ifndef FCFS_KAFKA_LAG_H
#define FCFS_KAFKA_LAG_H

#include "kafka.h"

struct lag_part {
	int64_t committed; /* the offset the issuers go on from; -1: they have committed none */
	int64_t stable;	   /* the last stable offset: what is open behind it nobody may read yet */
	int64_t lag; /* from where the issuers would go on to there, transaction markers too */
};

struct lag {
	struct lag_part *part; /* of gifticon_publish, by number */
	int32_t parts;
	int64_t total;
	bool drained; /* nothing is there that the issuers have not committed, open transactions too */
};

/* Released by the caller, whatever is returned. EX_UNAVAILABLE, EX_CONFIG where the topic is missing
 * or the brokers refuse us. */
int kafka_lag(struct kafka *, struct lag *, struct fault *why);
void lag_release(struct lag *);

#endif
