/*
 * chunk.h - the records of one take, and what becomes of each: the phases of issue.h, one call each.
 *
 * Awards of one event and id are a group: a step in Redis each. All groups go through a phase
 * together, so that a chunk is in one transaction of the ledger, and in one of the bus.
 */
#ifndef FCFS_CHUNK_H
#define FCFS_CHUNK_H

#include "books.h"
#include "issue.h"

/* What the phases work with; the same for every chunk of a run. */
struct desk {
	const struct issue *issue;
	/* Called about once a second in what takes long: -1 ends it. */
	int (*waiting)(void *self, struct fault *why);
	void *waiting_self;
	struct books books;
	struct step step;
	struct buffer record;
	bool failed; /* as marking what is out did, whoever met the answer, which ends the run */
	struct fault fault;
};

/* Who will confirm what is assigned now: this run, or "", where nothing is delivered. */
const char *desk_confirms(const struct desk *);

/* With so many more dead records than are out: does the run end here, as skip_limit says? */
bool desk_spoilt(const struct desk *, int64_t dead);

struct group {
	struct chunk *chunk;
	struct book *book; /* NULL: there is no such event */
	struct award **award;
	size_t count;
};

/* How far a chunk has come that is not out. */
enum phase { CHUNK_TAKEN, CHUNK_ASKED, CHUNK_KEEPING, CHUNK_KEPT };

struct chunk {
	enum phase phase;
	struct incoming *raw; /* borrowed, until it is put */
	struct award *award;  /* one a record, in the order they came */
	struct award **order; /* those that are winners' records, by event, id and ticket */
	struct group *group;
	struct parcel *parcel;	  /* those to deliver, */
	struct ledger_mark *mark; /* and what became of them; these two are room, not state */
	size_t room, count, live, groups;
	size_t unanswered; /* groups whose codes are asked for */
	bool failed; /* as asking for them did, which ends the run when it is this chunk's turn */
	struct fault fault;
};

int chunk_init(struct chunk *, size_t room, struct fault *why);
void chunk_release(struct chunk *);

/* Reads the `count` records in raw. */
void chunk_read(struct chunk *, size_t count);

/* Is there a ticket that both have read? */
bool chunk_shares(const struct chunk *, const struct chunk *);

/* Asks Redis for the codes of all winners, and leaves the answers under way. */
void chunk_ask(struct chunk *, struct desk *);

/* Waits for the answers: all that should have a code has one, or -1 as asking has failed. */
int chunk_answers(struct chunk *, struct desk *, struct fault *why);

/* Of those that are being issued from another partition: marks what is out there by now, and asks once
 * more; what is still there is foreign. 0 or -1. */
int chunk_elsewhere(struct chunk *, struct desk *, struct fault *why);

bool group_has(const struct group *, bool (*is)(const struct award *));

/* All of them are foreign, for this reason; 0. */
int group_disown(struct group *, const char *reason);

/* Into the ledger, the oldest first, in one transaction, whose commit is left under way: KEEPING; or KEPT, with nothing for
 * the ledger. 0, where the others may still be ASKED; or -1, of the first. */
int chunk_keep(struct chunk *const *, size_t count, struct desk *, struct fault *why);

/* Waits for it, of all that are KEEPING: as chunk_keep, and those that are not ASKED are KEPT. */
int chunk_kept(struct chunk *const *, size_t count, struct desk *, struct fault *why);

enum { CHUNK_CHANGED = 1, CHUNK_LOST };

/* Delivers the codes that were not delivered before, and marks what came of it. 0; 1 when asked to stop, or
 * CHUNK_LOST, another issuer has it: then, as after -1, the chunk is to be dropped, for some may not be
 * delivered. */
int chunk_deliver(struct chunk *, struct desk *, struct fault *why);

/* Confirms in Redis what was delivered or given up, and marks in the ledger what was confirmed. 0,
 * CHUNK_LOST or -1. */
int chunk_mark(struct chunk *, struct desk *, struct fault *why);

/* The first half of it: 0; CHUNK_CHANGED where some are not what they were; CHUNK_LOST; -1. */
int chunk_confirm(struct chunk *, struct desk *, struct fault *why);

/* How many of its records are dead. */
int64_t chunk_dead(const struct chunk *);

/* To the bus: what is issued, and dead letters, in the order they came. */
int chunk_put(struct chunk *, struct desk *, struct fault *why);

/* It is out: marks it done, or parked, counts it, says what was dead. The answers are left under way: where one is no,
 * the desk has failed. */
int chunk_finish(struct chunk *, struct desk *, struct fault *why);

#endif
