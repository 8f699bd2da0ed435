/*
 * award.h - the issuer's atomic steps: assign a code, adopt, annul or replace it as the ledger says,
 * confirm what was delivered, mark it done, park what cannot be delivered.
 */
#ifndef FCFS_AWARD_H
#define FCFS_AWARD_H

#include "bus.h"
#include "record.h"
#include "step.h"

enum award_status {
	AWARD_ASSIGNED,
	AWARD_ALREADY,
	AWARD_REFUSED,	     /* left meanwhile */
	AWARD_PARKED,	     /* given up before, and not sent again */
	AWARD_TAKEN,	     /* another run has it */
	AWARD_ELSEWHERE,     /* another record of it is being issued: chunk_elsewhere.c */
	AWARD_FOREIGN,	     /* of no such event, id, ticket or person */
	AWARD_MALFORMED,     /* no winner's record at all; the steps say those before it */
	AWARD_UNDELIVERABLE, /* assigned, but delivery refuses it for good */
	AWARD_EXHAUSTED	     /* assigned, but delivery has failed too often */
};

struct award {
	struct issued issued; /* winner and a fresh code go in; what Redis holds comes out */
	enum award_status status;
	char reason[160];  /* of a dead one, or what else the operator is to know; "": nothing */
	int64_t number;	   /* where the record stood: line number, */
	int32_t partition; /* or partition and offset; -1: none */
	int64_t offset;
	struct span elsewhere;	   /* for AWARD_ELSEWHERE: committed so far, that record is out */
	int64_t delivered_us;	   /* as the ledger says; 0: not */
	int64_t replays;	   /* how often it was a dead letter and was sent again */
	int attempts;		   /* deliveries */
	int64_t first_us, last_us; /* of the failures: the first and the last; 0: none */
};

bool award_is_assigned(const struct award *);
bool award_is_dead(const struct award *);

/* One of the dead that is assigned, and is to be parked. */
bool award_given_up(const struct award *);

enum { AWARD_MAX = 1000 };		      /* awards a step */
#define AWARD_ARGS(awards) (3 + 6 * (awards)) /* the room of a step with so many of them */

/* Asks for the codes of awards of one event and id, in ticket order, all at once: for this run, which will
 * confirm them; "": they go out without more ado. */
int award_assign_post(struct step *, struct redis *, const struct place *, const char *run,
		      struct award **, size_t count, struct taker, struct fault *why);

/* Reads the answer to award_assign_post into the awards. EX_TEMPFAIL where the event's pool of codes is
 * empty: the others have theirs, and a rerun goes on. */
int award_assign_read(struct reply *, struct award **, size_t count, struct fault *why);

/* Both in one, waiting for the answer. */
int award_assign(struct step *, struct redis *, const struct place *, const char *run,
		 struct award **, size_t count, struct fault *why);

/* May this run go on with those that it has delivered, or given up? The others are left out. What is not
 * as it was becomes what it is by now, with what the operator is to know of it; what cannot be given up
 * any more is assigned. How many these are, or -1. Nothing may be in flight. */
int award_confirm(struct step *, struct redis *, const struct place *, const char *run,
		  struct award **, size_t count, struct fault *why);

/* This person's record, by which the ticket is assigned, is gone: any other may assign it. 0 or -1. */
int award_lift(struct step *, struct redis *, const struct place *, const char *id,
	       const char *user, struct span record, struct fault *why);

/* The fault that a ticket's pool of codes is empty. EX_TEMPFAIL; returns -1. */
int award_dry(const struct winner *, struct fault *why);

/* Marks tickets of one event and id done: begun, told whose, then sent. The answer is a number. */
void award_done_begin(struct step *, const struct place *, const char *id);
void award_done_add(struct step *, const char *user);

/* Parks tickets that this run gave up, whose dead letters are out: likewise; each where its record stood. */
void award_park_begin(struct step *, const struct place *, const char *id, const char *run);
void award_park_add(struct step *, const char *user, int32_t partition, int64_t offset);

/* The assigned ones that stood below these: their offsets are committed. A part at a time: *scan is 0
 * at first, and again at the end. The answer, which the caller releases, is the event's id, then
 * person, partition, offset and issued_us of each. */
int award_stranded(struct step *, struct redis *, const struct place *, const struct span *,
		   size_t count, int64_t *scan, struct reply *, struct fault *why);

/* Makes Redis hold the code and times of `issued`, which are the ledger's, for its person. 1, 0 where
 * nothing is pending for them any more, or -1. */
int award_adopt(struct step *, struct redis *, const struct place *, const struct issued *,
		struct fault *why);

/* The same, and what was issued is returned: its code was revoked, which Redis forgot. */
int award_annul(struct step *, struct redis *, const struct place *, const struct issued *,
		struct fault *why);

/* The code of `issued` is another ticket's in the ledger: puts another in its place, `fresh` or the next
 * of the pool. 1, 0 where nothing is assigned to them any more, or -1:
 * EX_TEMPFAIL where the pool has none. */
struct award_other {
	const char *fresh; /* for an event without a pool */
	bool returned;	   /* the ledger has the other ticket as returned: the code is lost */
	int64_t left;	   /* comes out: how many are in the pool then; -1: there is none */
};

int award_replace(struct step *, struct redis *, const struct place *, struct issued *,
		  struct award_other *, struct fault *why);

#endif
