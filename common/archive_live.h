/*
 * archive_live.h - an event in Redis, read entry by entry, in an archive's order; while a page is gone
 * through the next is on its way.
 */
#ifndef FCFS_ARCHIVE_LIVE_H
#define FCFS_ARCHIVE_LIVE_H

#include "archive_record.h"
#include "step.h"

enum { ARCHIVE_STATE = 40 };

/* How an event stands: archive.lua's archive_state. */
struct archive_state {
	char id[UUID_LEN + 1];
	char state[ARCHIVE_STATE + 1]; /* changes with all that an archive must have */
	int64_t now_us;
	int64_t ended_us; /* when its door closed for good; 0: it has not */
	int64_t parked;
	int64_t unissued;		      /* granted, and neither issued, parked nor returned */
	int64_t winnable;		      /* slots that can still be granted */
	int64_t requests, winners, decisions; /* not in Kafka yet */
	int64_t count[ARCHIVE_COUNTS];
};

/* A fault names the event that is none. */
int archive_state_read(struct redis *, const struct place *, struct archive_state *,
		       struct fault *why);

struct archive_live {
	struct redis *redis;
	const struct place *place;
	struct step step;
	struct reply page;
	enum archive_section section; /* of the page, */
	int64_t number;		      /* and how many of it were given */
	enum archive_section asked;   /* of what is on its way; ARCHIVE_SECTIONS: nothing is */
	struct archive_entry entry;
};

/* Nothing else may be asked of the connection until the end or archive_live_close. */
int archive_live_open(struct redis *, const struct place *, struct archive_live *,
		      struct fault *why);
void archive_live_close(struct archive_live *);

/* The next entry, which lives until the next call: 1, 0 at the end, -1. */
int archive_live_next(struct archive_live *, const struct archive_entry **, struct fault *why);

#endif
