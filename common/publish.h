/*
 * publish.h - one event's pass: what is not out yet goes out, in order, a transaction at a time.
 *
 * A pipe takes winners only: what is granted and not issued, once at the start, then each new grant.
 * A log (Kafka) takes all that is beyond its progress: requests (every ticket), decisions (the
 * outbox), winners; each transaction has the event's new progress in it:
 *
 *   read progress -> mirror (compare, trim) -> grant -> page, page ... -> confirm -> put progress -> commit -> mirror
 *
 * A page is read from the line behind the grant, which is checked then to be the same event's still, and brings
 * the next grant (page.h).
 *
 * Dying between any two, and beginning again (P8):
 *   - before commit: nothing is out; the next reads the old progress and publishes the same again,
 *     for what was granted stays granted, and comes in the same order;
 *   - after commit, before mirror: the next reads the new progress, and mirrors it;
 *   - a commit that got no answer: a new producer ends it, either way, and the progress says which.
 * Where replicas are waited for, nothing is committed that they lack: all that was read is confirmed first,
 * and read again where that was on a connection that is lost.
 * Progress ahead of Redis: Redis has lost writes, nothing may be granted (EX_PROTOCOL). Progress behind
 * Redis's copy of it: the topic has lost records, and all would be published once more (EX_PROTOCOL). A holder
 * that slept through another's taking is told so inside grant and mirror, and its commits are
 * fenced (P9). An event that was rebuilt from its topics says so in its progress, which every later one
 * carries on: to an older copy of it, with whoever has joined there, nobody wins any more.
 */
#ifndef FCFS_PUBLISH_H
#define FCFS_PUBLISH_H

#include "buffer.h"
#include "page.h"
#include "run.h"

struct publisher {
	struct redis *redis;
	const struct control *control;
	bool force;    /* where the topic has lost the progress, Redis's copy of it will do */
	int64_t batch; /* winners, requests or decisions a transaction, about, where there is much */
	struct step step;
	struct buffer record;
	int64_t written;
	struct page ahead; /* asked for while another is put */
	struct publication *asker;
};

/* One event being published. */
struct publication {
	struct place place;
	struct lease lease;
	struct sink *sink;	  /* NULL: not open */
	struct progress progress; /* what is out */
	bool adopted;		  /* from Redis: the topic is to learn of it */
	int64_t limit;		  /* winners this pass may yet grant */
	int64_t window;		  /* winners, requests or decisions the next transaction, about */
	enum serve_answer answer; /* the last step's */
	struct run run;
};

/* With the lease just taken: reads how far the event is out. EX_TEMPFAIL where it is another event by
 * the same name, EX_PROTOCOL where Redis has an old copy of it. */
int publish_open(struct publisher *, struct publication *, struct fault *why);

/* Publishes until nothing is left, `limit` new winners are granted, or control says to stop.
 * EX_TEMPFAIL with the answer SERVE_STALE where another dispatcher has the lease. */
int publish_pass(struct publisher *, struct publication *, int64_t limit, struct fault *why);

/* Receives the answers that are under way, if any: the sinks' waiting may then ask Redis something. */
void publish_hear(struct publisher *);

#endif
