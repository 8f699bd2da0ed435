/*
 * mailbox.h - the seam of redrive: where dead letters lie, and where their records go once more.
 * Lines on standard input (pipe_mailbox.h) are one implementation, Kafka (kafka_letters.h) is the
 * other.
 */
#ifndef FCFS_MAILBOX_H
#define FCFS_MAILBOX_H

#include "letter.h"

struct mailbox {
	/* Calls visit for each letter that lay there when the mailbox was opened, in order of time, from
	 * behind what the last commit has seen on, until it returns not 0: that is then the answer. What
	 * it is given, it may replay and commit. */
	int (*each)(struct mailbox *,
		    int (*visit)(void *self, const struct letter *, struct fault *), void *self,
		    struct fault *why);
	/* Puts the letter's record where winners are, as it was, with one replay more; and, where the
	 * bus can keep that, that it was replayed. */
	int (*replay)(struct mailbox *, const struct letter *, struct fault *why);
	/* Makes all of it durable at once: an enum outcome, or -1. */
	int (*commit)(struct mailbox *, struct fault *why);
	/* After any outcome but COMMITTED: what was replayed since the last one was not, or is seen to
	 * have been. */
	int (*restart)(struct mailbox *, struct fault *why);
	void (*close)(struct mailbox *); /* what was not committed is dropped */
};

#endif
