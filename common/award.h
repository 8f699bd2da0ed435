/*
 * award.h - the issuer's atomic steps: assign a code, adopt the ledger's, mark done.
 */
#ifndef FCFS_AWARD_H
#define FCFS_AWARD_H

#include "bus.h"
#include "record.h"
#include "step.h"

enum award_status {
	AWARD_ASSIGNED,
	AWARD_ALREADY,
	AWARD_REFUSED,	/* left meanwhile */
	AWARD_FOREIGN,	/* of no such event, id, ticket or person */
	AWARD_MALFORMED /* no winner's record at all */
};

struct award {
	struct issued issued; /* winner and a fresh code go in; what Redis holds comes out */
	enum award_status status;
	char reason[160];  /* of AWARD_FOREIGN and AWARD_MALFORMED */
	int64_t number;	   /* where the record stood: line number, */
	int32_t partition; /* or partition and offset; -1: none */
	int64_t offset;
	int64_t delivered_us; /* as the ledger says; 0: not */
};

enum { AWARD_MAX = 1000 };		      /* awards a step */
#define AWARD_ARGS(awards) (1 + 5 * (awards)) /* the room of a step that assigns them */

/* Asks for the codes of awards of one event and id, all at once. */
int award_assign_send(struct step *, struct redis *, const struct place *, struct award **,
		      size_t count, struct fault *why);

/* Reads the answer to award_assign_send into the awards. */
int award_assign_read(struct reply *, struct award **, size_t count, struct fault *why);

/* Marks those that were assigned done. The answer is a number. */
int award_done_send(struct step *, struct redis *, const struct place *, struct award **,
		    size_t count, struct fault *why);

/* Marks done what is pending and stood below these: their offsets are committed. A part at a time:
 * *scan is 0 at first, and again at the end. How many were, or -1. Nothing may be in flight. */
int64_t award_done_below(struct redis *, const struct place *, const struct span *, size_t count,
			 int64_t *scan, struct fault *why);

/* Makes Redis hold the code and times of `issued` for its person. `burn`: the code it held belongs
 * to another ticket. 1, 0 where nothing is pending for them any more, or -1. */
int award_adopt(struct step *, struct redis *, const struct place *, const struct issued *,
		bool burn, struct fault *why);

#endif
