/*
 * rebuild.h - an event, made anew in Redis from its topics and its ledger.
 *
 *   the id: of the newest creation by this name in event_log
 *   fence:  a producer with its dispatcher's transactional id: one from before can commit nothing any more
 *   read:   progress, topics, ledger, into an audit's tables (audit_db.h)
 *   make:   what Redis would have (sql/rebuild.sql), and ask the promises of it
 *   stage:  beside the event, as a restore does (archive_restore.h)
 *   mark:   progress, with rebuilt_us: a Redis that has an older copy is never dispatched from (publish.h)
 *   show:   the staged keys become the event, with an epoch higher than any before
 *
 * Killed before "mark", nothing has changed but what a restore clears away; before "show", besides, nobody
 * dispatches an old copy any more. Run again, it begins anew. A dispatcher that takes its transactional id back
 * between "fence" and "mark" makes "mark" fail: all that it may have written was not read.
 *
 * The topics know nothing of who was refused, nor of the codes of a pool that nobody has yet, nor of run
 * records: counts begin at 0, the codes are loaded again (fcfs-codes).
 */
#ifndef FCFS_REBUILD_H
#define FCFS_REBUILD_H

#include "audit_db.h"
#include "kafka.h"
#include "ledger.h"
#include "step.h"

struct rebuild {
	struct redis *redis;
	const char *prefix;
	const struct place *place;
	struct kafka *kafka;
	struct ledger *ledger; /* NULL: none */
	const char *id;	       /* NULL: the newest */
	const char *who;
	bool replace; /* an event that is there */
	bool trial;   /* changes nothing */
	bool force;   /* whatever is found broken */
	const struct control *control;
	/* What is found broken, or cannot be told; it is made of it what can be. */
	int (*breach)(void *self, const struct audit_breach *, struct fault *);
	/* A line of the verdict: a text, or where that is NULL a number, -1: none. Times are in ..._us. */
	void (*say)(void *self, const char *name, const char *text, int64_t number);
	void *self;
};

/* STATUS_YES: it is there, or could be. STATUS_NO: it exists. -1: EX_CONFIG where the log knows no such
 * event, EX_DATAERR where another event has the name, or something is broken: nothing was changed, unless
 * `force`; EX_TEMPFAIL where it was dispatched meanwhile. */
int rebuild_run(const struct rebuild *, struct fault *why);

/* The event's id by the log, the newest creation's. EX_CONFIG where there is none. */
int rebuild_find(struct kafka *, const struct place *, char id[UUID_LEN + 1], struct fault *why);

#endif
