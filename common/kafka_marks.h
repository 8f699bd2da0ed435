/*
 * kafka_marks.h - which dead letters were replayed, while they are read; only kafka*.c include it.
 */
#ifndef FCFS_KAFKA_MARKS_H
#define FCFS_KAFKA_MARKS_H

#include "kafka_private.h"
#include "letter.h"

/* Which of the letters in a range of each partition were replayed: a bit a letter. */
struct marks_part {
	int64_t first; /* the first block */
	size_t blocks;
	struct marked {
		struct redriven redriven;
		int64_t known_ms; /* newest_ms as it was read */
		bool dirty;	  /* there are bits that no record has yet */
	} * block;
};

struct marks {
	struct marks_part *part;
	int32_t parts;
};

/* Reads those of letters in these ranges, one a partition. `settled`: waits until nobody's open
 * transaction may hide one. marks_release, whatever is returned. */
int marks_read(struct marks *, struct kafka *, const struct range *, int32_t parts, bool settled,
	       struct fault *why);
void marks_release(struct marks *);

/* Was this letter replayed? A bit from before the topic was made anew is cleared. */
bool marks_has(struct marks *, const rd_kafka_message_t *);
void marks_set(struct marks *, const rd_kafka_message_t *);

/* Puts a record for each block that has changed. */
int marks_put(struct marks *, struct sink *, struct fault *why);

#endif
