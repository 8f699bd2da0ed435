/*
 * record.h - the records of the bus: one JSON object a line, UTF-8, fields in the order below.
 *
 *   request   type event id user ticket joined_us
 *   winner    type event id user ticket joined_us granted_us, and replays where it is not 0
 *   issued    type event id user ticket code joined_us granted_us issued_us
 *   progress  type event id requests winners seq, and rebuilt_us where it is not 0
 *   log       type event id seq at_us who what user ticket before after (written by
 *             common/lua/head.lua, in the step that decides)
 *
 * Readers ignore fields they do not know and refuse a missing field, a wrong type, an illegal
 * name, a ticket below 1, a negative time, or a field named twice.
 */
#ifndef FCFS_RECORD_H
#define FCFS_RECORD_H

#include "buffer.h"
#include "bus.h"
#include "fault.h"
#include "name.h"

#include <stdbool.h>

struct winner {
	char event[EVENT_MAX + 1];
	char id[UUID_LEN + 1];
	char user[PERSON_MAX + 1];
	int64_t ticket;
	int64_t joined_us;
	int64_t granted_us;
	int64_t replays; /* how often it was a dead letter and was sent again; through Kafka a header says it */
};

struct issued {
	struct winner winner;
	char code[CODE_MAX + 1];
	int64_t issued_us;
};

/* Each appends its object without a newline. */
void record_winner(struct buffer *, const struct winner *);
void record_issued(struct buffer *, const struct issued *);
void record_progress(struct buffer *, const char *event, const char *id, const struct progress *);

/* In two parts, as the first is the same for many: type, event and id; and what is left of a winner, or of a
 * request, of which granted_us is not asked. */
void record_stem(struct buffer *, const char *type, const char *event, const char *id);
void record_add_winner(struct buffer *, const struct winner *);
void record_add_request(struct buffer *, const struct winner *);

/* Reads a winner from bytes (no newline, any bytes at all). 0, or -1 with EX_DATAERR and what is
 * wrong ("not JSON", "field 'ticket' is missing", ...), never more than a line. Longer than
 * RECORD_MAX is refused unread. */
enum { RECORD_MAX = 65536 };
int record_read_winner(const char *bytes, size_t len, struct winner *, struct fault *why);

/* The progress of the event with this id. EX_PROTOCOL where it is none: only fcfs writes it. */
int record_read_progress(const char *bytes, size_t len, const char *id, struct progress *,
			 struct fault *why);

/* The person a log record is about, "" for none. EX_PROTOCOL where it is no such record. */
int record_log_user(const char *bytes, size_t len, char user[PERSON_MAX + 1], struct fault *why);

/* Reads a log record that says an event was created: false for any other. */
struct creation {
	char event[EVENT_MAX + 1];
	char id[UUID_LEN + 1];
	int64_t at_us;
};

bool record_read_creation(const char *bytes, size_t len, struct creation *);

/* What a delivery command says of a record: {"id":..., "ticket":N, "ok":true}, or
 * {"id":..., "ticket":N, "ok":false, "retry":BOOL, "why":TEXT}. Where it does not say, retry is
 * true: nothing is given up for the want of a word. */
struct answer {
	char id[UUID_LEN + 1];
	int64_t ticket;
	bool ok;
	bool retry;
	char why[1024]; /* "" if none; any text, cut where it is longer */
};

int record_read_answer(const char *bytes, size_t len, struct answer *, struct fault *why);

#endif
