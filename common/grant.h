/*
 * grant.h - the dispatcher's atomic steps: take, keep and give back the lease; grant; what else is to
 * be published.
 */
#ifndef FCFS_GRANT_H
#define FCFS_GRANT_H

#include "bus.h"
#include "step.h"

enum { LEASE_MS = 5000 };

struct lease {
	const char *owner;     /* who asks; borrowed */
	int64_t epoch;	       /* of this holding */
	int64_t kept_ms;       /* when a step that keeps it was last sent */
	char id[UUID_LEN + 1]; /* the event's */
	int64_t settled;       /* all tickets up to it are issued or given back */
	char holder[128];      /* of a busy lease: who, */
	int64_t busy_ms;       /* and for how long at most */
};

enum lease_answer { LEASE_BUSY, LEASE_HELD };

/* Asks once. Returns an enum lease_answer, or -1: EX_CONFIG where the event uses another bus. */
int lease_take(struct step *, struct redis *, const struct place *, const char *bus, struct lease *,
	       struct fault *why);

/* 1, 0 where it is held no more, or -1. */
int lease_renew(struct step *, struct redis *, const struct place *, struct lease *,
		struct fault *why);

/* Gives it back. As lease_renew. */
int lease_release(struct step *, struct redis *, const struct place *, struct lease *,
		  struct fault *why);

/* BEHIND: the log has less of its own progress than it had once; LOST: it has more than Redis. */
enum mirror_answer { MIRROR_STALE, MIRROR_LOST, MIRROR_BEHIND, MIRRORED, MIRROR_ANSWERS };

/* Keeps how far the log has the event beside it, and trims the outbox: after reading the progress,
 * before granting anything. */
struct mirror {
	enum mirror_answer answer;
	struct progress
		has; /* what Redis has: tickets, the cursor, decisions; behind: what was out */
};

/* 0, or -1. */
int lease_mirror(struct step *, struct redis *, const struct place *, struct lease *,
		 const struct progress *, struct mirror *, struct fault *why);

/* What a step says of the event; NONE: it was not asked. */
enum serve_answer {
	SERVE_NONE,
	SERVE_STALE,
	SERVE_LOST,
	SERVE_MORE,
	SERVE_IDLE,
	SERVE_DRY,
	SERVE_PAUSED,
	SERVE_EARLY,
	SERVE_ENDED,
	SERVE_ANSWERS
};

const char *serve_word(enum serve_answer);

/* What a step granted, of the tickets beyond the one it was asked with: runs of them. Who has them, the line
 * says, which is read behind it. And what else there was to publish then. */
struct granted {
	enum serve_answer answer;
	struct progress upto; /* all that there was: `winners` is the ticket to ask with next */
	int64_t fresh;	      /* granted by this very step */
	int64_t connections;  /* redis_connections, behind the answer */
	struct reply runs;    /* first ticket, last ticket, granted_us */
	int64_t first, last, granted_us; /* the run that is read; last 0: none yet */
};

/* The step (serve in common/lua/grant.lua): tells up to `count` granted tickets beyond `after`; where all
 * that were granted before are told, it grants up to `limit` more. */
int grant_send(struct step *, struct redis *, const struct place *, struct lease *, int64_t after,
	       int64_t count, int64_t limit, struct fault *why);

int grant_call(struct step *, struct redis *, const struct place *, struct lease *, int64_t after,
	       int64_t count, int64_t limit, struct granted *, struct fault *why);

/* Its answer, which is taken over. */
int granted_read(struct granted *, struct reply *, const struct redis *, const struct place *,
		 struct fault *why);
void granted_release(struct granted *);

/* The next ticket that is granted, none of those before `ticket`; 0: there is none. */
int64_t granted_next(struct granted *, int64_t ticket);

/* The answer: person, joined_us of each ticket beyond `after`, up to `last`. */
int people_send(struct redis *, const struct place *, int64_t after, int64_t last,
		struct fault *why);

/* The answer: the event's id. */
int id_send(struct redis *, const struct place *, struct fault *why);

/* The answer: the first one's number, then the records of the outbox beyond number `after`. */
int decisions_send(struct step *, struct redis *, const struct place *, int64_t after,
		   int64_t count, struct fault *why);

#endif
