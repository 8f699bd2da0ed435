/*
 * bus.h - the seam: where records come from and where they go. The loops (dispatch, issue) know
 * only this; stdin and stdout are one implementation (pipe.h), Kafka is the other (kafka.h).
 */
#ifndef FCFS_BUS_H
#define FCFS_BUS_H

#include "control.h"
#include "fault.h"
#include "name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum topic {
	TOPIC_REQUESTS,
	TOPIC_LOG,
	TOPIC_WINNERS,
	TOPIC_ISSUED,
	TOPIC_DEAD,
	TOPIC_PROGRESS,
	TOPICS
};

struct incoming {
	const char *bytes; /* borrowed until the commit begins that has its take, or the rewind */
	size_t len;
	int64_t number;	   /* line number, from 1; 0: none */
	int32_t partition; /* -1: none */
	int64_t offset;	   /* -1: none */
	int64_t replays;   /* how often it was a dead letter and was sent again, as the bus knows */
	const void *raw;   /* the bus's own, for a dead letter */
};

/* Of one partition: all that is below the offset; and from there on up to `cut` what is gone, where that
 * is more. */
struct span {
	int32_t partition;
	int64_t offset;
	int64_t cut;
};

/* Of a partition, whosever it is. */
struct reach {
	int64_t low,
		end; /* the first offset and the one behind the last; 0 where it is not there */
	int64_t committed; /* 0: nothing is */
};

/* A person's record whose offset is committed, and what became of it. */
struct burial {
	char user[PERSON_MAX + 1]; /* offsets alone come again where a topic was made anew */
	int32_t partition;
	int64_t offset;
	int64_t issued_us;	/* when it got its code: no dead letter of it is older */
	char run[UUID_LEN + 1]; /* the run that gave it up; "": none did */
	bool gone;		/* what stands there is not theirs: the topic was made anew */
};

struct source {
	size_t takes; /* so many that gave records may be without a commit at a time */
	/* Up to max records: waits for the first, about a second, unless control is NULL; takes the
	 * others only if they are there. Returns how many, each take that gave any to be committed, in
	 * turn; 0 where there is nothing to do but, if it waited, to commit and to ask `ended`; -1. */
	int (*take)(struct source *, struct incoming *, size_t max, const struct control *,
		    struct fault *why);
	/* 1 when nothing more will come, 0, or -1 (EX_TEMPFAIL: what is left is another's). */
	int (*ended)(struct source *, struct fault *why);
	bool (*idle)(struct source *); /* would take wait now? */
	/* Called about once a second while a chunk is worked on for long: stays a member. */
	int (*tend)(struct source *, struct fault *why);
	/* Has somebody else got any of what was taken and not committed? Nothing of it can be any more,
	 * and nothing more is taken, until the rewind. */
	bool (*lost)(struct source *);
	/* What was taken and not committed comes again, from the next take on. */
	int (*rewind)(struct source *, struct fault *why);
	void (*close)(struct source *);
	/* Called from take for partitions that are ours from now on, before any record of theirs, and for
	 * others' when it is asked: all records below the offset are committed, those that were cut never
	 * will be. NULL: nobody asks. */
	int (*claim)(void *self, const struct span *, size_t count, struct fault *why);
	void *claim_self;
	/* Finds which of these records, of the event with this id, went out as dead letters after they had
	 * a code (undeliverable, exhausted), and by which run, and which are gone; sorts them. Waits for
	 * what is not decided yet: EX_TEMPFAIL when that lasts, or when asked to stop. NULL: a bus that
	 * never calls claim. */
	int (*buried)(struct source *, const char *id, struct burial *, size_t count,
		      struct fault *why);
	/* When the event with this id was rebuilt from its topics, as they say so far; 0: never. NULL: a bus
	 * that nothing is rebuilt from. */
	int (*rebuilt)(struct source *, const char *event_id, int64_t *rebuilt_us, struct fault *);
	/* NULL: a bus without partitions. */
	int (*reach)(struct source *, int32_t partition, struct reach *, struct fault *why);
};

/* So many bytes are kept of a record that is too long for a dead letter. */
enum { DEAD_VALUE_MAX = 65536 };

/* Why a record is a dead letter. */
struct cause {
	const struct incoming *record;
	const char *kind;	   /* "malformed", "foreign", "undeliverable", "exhausted" */
	const char *message;	   /* one line */
	int attempts;		   /* deliveries; 1 where nothing was delivered */
	int64_t first_us, last_us; /* the first failure and the last, by this machine's clock */
	int64_t replays;	   /* how often it was a dead letter and was sent again */
	const char *run;	   /* the run's UUID */
};

struct outgoing {
	enum topic topic;
	const char *event; /* its name, "" where it is not known */
	const char *key;   /* the person's, or what else keeps records in order */
	const char *bytes; /* one line, without its newline */
	size_t len;
	const struct cause *cause; /* of TOPIC_DEAD, whose key and bytes are the record's */
	const struct incoming
		*again; /* of TOPIC_WINNERS: a dead letter that goes back as it came */
};

/* How far an event's records are out. */
struct progress {
	int64_t requests; /* all tickets up to it */
	int64_t winners;  /* all granted tickets up to it */
	int64_t seq;	  /* all decisions up to it */
	int64_t rebuilt_us; /* a Redis whose event was not rebuilt then, or later, has an old copy; 0: any */
};

/* UNDONE: nothing of it is out, or it cannot be told (a sink that takes offsets along finds out): restart,
 * and go on from what was committed.
 * FENCED: the same, and another writer has taken our place. */
enum outcome { COMMITTED, UNDONE, FENCED };

struct sink {
	/* Accepts one record; a bus that has no such topic drops it. */
	int (*put)(struct sink *, const struct outgoing *, struct fault *why);
	/* Begins to make all that was put durable, with so many of the source's takes, the first that
	 * were not committed; nothing may be put until settle says how it went: an enum outcome, or -1
	 * (EX_IOERR where it was refused). */
	int (*commit)(struct sink *, size_t takes, struct fault *why);
	int (*settle)(struct sink *, struct fault *why);
	/* Would settle wait now, or, where there is nothing to settle, put? */
	bool (*busy)(struct sink *);
	/* After any outcome but COMMITTED: 0 when it can be written to again. */
	int (*restart)(struct sink *, struct fault *why);
	/* The last progress committed for this event; zeros where there is none. NULL: a bus that
	 * keeps no progress, and takes winners only. */
	int (*progress)(struct sink *, const char *event_id, struct progress *, struct fault *why);
	/* EX_IOERR where nothing put from now on can get out: for who has long had nothing to put. */
	int (*check)(struct sink *, struct fault *why);
	void (*close)(struct sink *); /* what was not committed is dropped */
	/* Called about once a second while a call must wait; NULL: not. */
	int (*waiting)(void *self, struct fault *why);
	void *waiting_self;
};

/* What a dispatcher writes to: a sink an event. */
struct bus {
	const char *name; /* the event keeps it: "pipe", "kafka" */
	int64_t batch;	  /* a good number of winners to a commit */
	int (*open)(struct bus *, const char *event_id, struct sink **, struct fault *why);
	void (*close)(struct bus *);
	/* Its sinks' waiting, from their opening on. */
	int (*waiting)(void *self, struct fault *why);
	void *waiting_self;
};

#endif
