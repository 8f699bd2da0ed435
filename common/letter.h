/*
 * letter.h - a dead letter as people see it: whose it is and why it is dead, never its value; and
 * which of them a person means.
 *
 *   dead --redrive--> redriven: its record is a winner's again, and may come back as another letter,
 *                               with one replay more
 *   final: it has been replayed often enough, or what there is of it cannot be replayed
 */
#ifndef FCFS_LETTER_H
#define FCFS_LETTER_H

#include "fault.h"
#include "record.h"

enum { LETTER_REPLAYS_MAX = 5, LETTER_KIND_MAX = 32, LETTER_MESSAGE_MAX = 512 };

enum letter_status {
	LETTER_DEAD,
	LETTER_REDRIVEN,
	LETTER_FINAL,
	LETTER_BAD /* of a pipe: the line is no dead letter, and was complained of */
};

/* Texts are as name_show_text leaves them. What it does not say is -1, "" or ticket 0: any tool may
 * have written it. */
struct letter {
	int32_t partition; /* where the letter itself stands; a pipe: -1, */
	int64_t offset;	   /* and its line, from 1 */
	int64_t failed_us; /* the last time */
	int64_t attempts;
	int64_t replays; /* 0 where it does not say */
	char kind[LETTER_KIND_MAX];
	char message[LETTER_MESSAGE_MAX];
	char run[UUID_LEN + 1];
	struct winner winner; /* of its record; where that cannot be read, at most the event */
	enum letter_status status;
	struct incoming record; /* its bytes and the bus's own, borrowed */
};

/* "dead", "redriven", "final" */
const char *letter_status_word(enum letter_status);

/* Reads the record's bytes into the winner: false where they are none, and winner is empty. */
bool letter_read_record(struct letter *, const char *bytes, size_t len);

/* Sets the status of one that was not replayed yet; whole: its record can be. */
void letter_sort(struct letter *, bool whole);

/* Reads a line that --dead-letters of fcfs-issue has written (no newline, any bytes at all): 0, or -1
 * with EX_DATAERR, "not a dead letter: ...". */
int letter_read_line(struct letter *, const char *bytes, size_t len, struct fault *why);

/* --- which of a topic's letters were replayed -------------------------------------------------- */

enum { LETTERS_BLOCK = 4096 };

/* Those of a block of offsets, from block * LETTERS_BLOCK on. A topic that is made anew begins with
 * offset 0 again: a letter later than newest_ms was not there when the bits were set. */
struct redriven {
	int32_t partition;
	int64_t block;
	int64_t newest_ms; /* the latest timestamp of those */
	unsigned char
		bits[LETTERS_BLOCK / 8]; /* a bit a letter, the lowest of the first byte first */
};

/* {"type":"redriven","partition":..,"block":..,"newest_ms":..,"letters":HEX}: the bits, without zeros at
 * the end. */
void redriven_json(struct buffer *, const struct redriven *);

/* Reads what redriven_json wrote. EX_PROTOCOL where it is none. */
int redriven_read(struct redriven *, const char *json, size_t len, struct fault *why);

/* --- which of them a person means -------------------------------------------------------------- */

/* One condition: KEY=VALUE. */
struct match {
	const struct match_key *key;
	const char *text; /* borrowed */
	int64_t number;
};

/* KEY: event, id, user, ticket, error_class, run, partition, offset (the letter's own). EX_USAGE. */
int match_parse(const char *text, struct match *, struct fault *why);

/* Does the letter meet all of them? */
bool match_all(const struct match *, size_t count, const struct letter *);

#endif
