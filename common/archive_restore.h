/*
 * archive_restore.h - puts an event's entries back: staged beside it, a page at a time, several pages
 * on their way; all of it becomes the event in the last step.
 */
#ifndef FCFS_ARCHIVE_RESTORE_H
#define FCFS_ARCHIVE_RESTORE_H

#include "archive_record.h"
#include "step.h"

enum { RESTORE_PAGE = 500 };

struct restore {
	struct redis *redis;
	const struct place *place;
	const char *replaced; /* the id of the event whose place it takes; "": there must be none */
	char token[UUID_LEN + 1];
	bool stale; /* somebody else has begun: what is staged is theirs */
	struct step step;
	enum archive_section section; /* of the page that fills */
	int64_t before;		      /* entries of the section before it */
	size_t entries;
	struct buffer bytes; /* its cells, one behind the other */
	size_t cells, len[RESTORE_PAGE * ARCHIVE_COLUMNS];
};

/* Clears away what another restore has left, and begins. 1, 0: there is an event that is not to be
 * replaced, -1. */
int restore_open(struct redis *, const struct place *, const char *replaced, struct restore *,
		 struct fault *why);
void restore_close(struct restore *);

/* EX_TEMPFAIL: somebody else has begun to restore, or to purge, the event. */
int restore_add(struct restore *, const struct archive_entry *, struct fault *why);

/* Makes it the event. 1, 0: there is one by now; EX_DATAERR: a name or a code was there twice. */
int restore_end(struct restore *, const int64_t count[ARCHIVE_COUNTS], struct fault *why);

/* Clears away what was put, if it is ours: best effort. */
void restore_drop(struct restore *);

#endif
