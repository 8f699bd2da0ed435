/*
 * deliver.h - hands issued records to a command, and hears of each what became of it.
 *
 * The command is started once, with the first record (coprocess.h). It reads issued records
 * (record.h), a JSON line each, and writes an answer for each, in any order, a JSON line each:
 *
 *   {"id":ID,"ticket":N,"ok":true}
 *   {"id":ID,"ticket":N,"ok":false,"retry":true|false,"why":TEXT}
 *
 *             ask          ok
 *   waiting -------> asked -----------> DELIVERED
 *      ^               | retry:false
 *      |               +--------------> UNDELIVERABLE
 *      |    backoff    | retry:true, no answer in time, or it died over it
 *      later <---------+--------------> EXHAUSTED, after more than `retries` of these
 *
 * 1. At least once: a record is asked again until its answer is read, and by the next run if this one
 *    dies. (id, ticket) is what the command knows a repeated one by.
 * 2. At most `window` records are asked and unanswered; none waits for one that is to be tried later.
 * 3. The oldest of those asked has timeout_ms from when it became the oldest; so each has that long
 *    where they are worked on one after the other. Then the command is killed and started anew, and
 *    the others are asked again. One that talks meanwhile has twice that: its answer may be on its way.
 * 4. A command that dies is started anew, at once if it had answered, else after a pause that grows.
 *    What it left unanswered is asked again. The oldest may have been its death: that one is asked
 *    alone from then on, and only a death over a record asked alone counts as a failure of it.
 * 5. Processes in a row that end, or are killed, without an answer are the death of the records they
 *    ended over, while these are five at most: each of them fails until it is EXHAUSTED, and who has
 *    not failed is asked before who has. Over more records in a row it is the command's fault: the run
 *    ends, and no record is blamed. So is one that was never heard of, once more than retries + 2
 *    processes have ended and each record of the batch was tried.
 * 6. What is no answer, or the answer to what was not asked, is complained of once a batch and
 *    ignored. A second answer is noted and ignored.
 */
#ifndef FCFS_DELIVER_H
#define FCFS_DELIVER_H

#include "control.h"
#include "record.h"
#include "retry.h"

enum { DELIVER_WINDOW = 100, DELIVER_TIMEOUT_MS = 10000, DELIVER_WHY = 160 };

struct deliver_options {
	const char *command; /* for sh -c; never shown */
	size_t window;	     /* records, at least 1 */
	int64_t timeout_ms;
	struct retry retry;
};

enum verdict { UNDELIVERED, DELIVERED, UNDELIVERABLE, EXHAUSTED };

struct parcel {
	const struct issued *issued; /* goes in; the rest comes out */
	enum verdict verdict;	     /* UNDELIVERED: not known, as it was stopped */
	int attempts;		     /* how often it was tried */
	int64_t first_us, last_us;   /* since 1970: the first and the last failure, 0: none */
	int64_t delivered_us;	     /* since 1970, when the answer came; 0: it did not */
	char why[DELIVER_WHY];	     /* of the last failure; plain UTF-8, without the code */
};

struct deliver;

/* Borrows the command and the control. -1 with EX_OSERR. */
int deliver_open(const struct deliver_options *, const struct control *, struct deliver **,
		 struct fault *why);

/* Returns when every parcel has its verdict. `waiting` (NULL: nobody) is called about once a second
 * meanwhile; its -1 ends it. Parcels of one id and ticket are asked once.
 * 0; 1 when control says to stop: what was asked has been waited for, and the rest is UNDELIVERED;
 * -1 with EX_CONFIG (no such command), EX_UNAVAILABLE (it dies, or does not answer), EX_OSERR, or
 * what `waiting` says. After 1 and -1 only DELIVERED is final. */
int deliver_batch(struct deliver *, struct parcel *, size_t count,
		  int (*waiting)(void *self, struct fault *why), void *self, struct fault *why);

/* Ends the command's input, and waits for it a little before it is killed. NULL is allowed. */
void deliver_close(struct deliver *);

#endif
