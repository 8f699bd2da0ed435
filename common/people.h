/*
 * people.h - who is asked about: names from arguments, or a name a line from a descriptor, or
 * everybody in a line. Bounded memory, whatever comes in. A supplied code is read as a name, too: it
 * may be the same.
 */
#ifndef FCFS_PEOPLE_H
#define FCFS_PEOPLE_H

#include "step.h"

struct person {
	char name[PERSON_MAX];
	unsigned char len;   /* of what was kept */
	const char *invalid; /* NULL, or why the name is illegal */
	int64_t number;	     /* counted from 1: of a line, its number */
	int64_t read_us;     /* monotonic clock, when it was read */
};

enum people_state {
	PEOPLE_NAME,  /* a person was taken */
	PEOPLE_PAUSE, /* none that were read: people_read() is next */
	PEOPLE_END
};

struct people;

struct people *people_from_args(char **names); /* NULL-terminated; borrowed */
struct people *people_from_fd(int fd);	       /* the descriptor stays the caller's */

/* Everybody in line, in order; has a connection of its own and asks for a page at a time. */
struct people *people_from_line(const struct redis_options *, const struct place *,
				struct fault *why);
void people_close(struct people *); /* NULL is fine */

/* Takes the next person of those that were read, without waiting. Returns an enum people_state, or -1
 * (EX_IOERR). A last line without a newline counts; a line longer than a name may be is kept cut, and
 * invalid. */
int people_take(struct people *, struct person *, struct fault *why);

int people_fd(const struct people *); /* readable when there may be more; -1: never pauses */

/* Reads more once people_fd() is readable: it would wait before. Only after a pause. 0, or -1 (EX_IOERR). */
int people_read(struct people *, struct fault *why);

#endif
