/*
 * turns.h - several chunks at a time: which step of which one is next (the steps are issue.h's).
 *
 *   chunk 1  take ask | keep | put commit .......... settle done
 *   chunk 2    take ask .... | keep                             | put  commit ....... settle done
 *   chunk 3                    take ask .. | keep               | put    "               "    "
 *   chunk 4                      take ask ........ | keep       | put    "               "    "
 *   chunk 5                                         take ask .. | ............ | keep       | put ...
 *
 * While Redis assigns to one, the ledger commits the one before it, and those whose commit the bus has are
 * waited for, others are read, put or done. The bus takes about as long for many records as for few: all
 * chunks that are kept when it is free again go out in one commit. So transactions are large where much
 * comes, and a chunk that comes alone goes out alone, at once: none waits for another. So it is with the ledger's
 * transaction and small chunks that Redis has answered. How far ahead it goes has bounds: what the source holds, and
 * so many records in all. Nothing goes out behind the chunk with which more records are dead than the run may skip.
 *
 * They are asked for, kept, put and done in the order in which they were taken. A ticket that is in two of
 * them is asked for again only when the first one is done. What goes wrong in asking or keeping ends the
 * run when those before it are out. With delivery only one is begun at a time, and the commit before it is
 * settled first: a delivery that takes long leaves nothing open.
 */
#ifndef FCFS_TURNS_H
#define FCFS_TURNS_H

#include "chunk.h"

enum { TURNS = 16 };

struct turns {
	struct desk *desk;
	struct chunk chunk[TURNS];
	size_t chunks;	   /* of these are in use, in turn, */
	size_t first, out; /* from this one on: whose commit is under way, */
	size_t begun;	   /* and behind them those that are not out */
	int64_t settled;   /* records */
};

/* Of `chunk` records each. 0 or -1; release it in any case. */
int turns_init(struct turns *, struct desk *, size_t chunk, struct fault *why);
void turns_release(struct turns *);

/* The one step that is next. 0; 1 when asked to stop with a chunk that is not all delivered: nothing of
 * it goes out; -1. */
int turns_step(struct turns *, struct fault *why);

/* Waits for the commit under way, and marks its chunks done. An enum outcome, or -1. */
int turns_settle(struct turns *, struct fault *why);

/* After any outcome but COMMITTED: nothing that was not committed counts, all of it comes again. */
int turns_start_over(struct turns *, struct fault *why);

#endif
