/*
 * kafka_private.h - what kafka*.c share; nobody else includes it, nor librdkafka.
 *
 * librdkafka's callbacks come from its own threads: what they say is kept in `talk` under a lock,
 * and said by kafka_speak from the thread that asks.
 */
#ifndef FCFS_KAFKA_PRIVATE_H
#define FCFS_KAFKA_PRIVATE_H

#include "kafka.h"

#include "errand.h"
#include "name.h"
#include "remedy.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>

enum { KAFKA_NAME_MAX = 2 * EVENT_MAX + 64, KAFKA_TALK = 8192 };

/* How long things last. What a person may set is not here: reconnect_ms, and of the properties
 * transaction_ms and session_ms. */
enum {
	KAFKA_POLL_MS = 100,	 /* a poll that waits: who stops sees it after that */
	KAFKA_TICK_MS = 500,	 /* between two calls of waiting */
	KAFKA_ASK_MS = 1000,	 /* one question to the brokers, which is then asked again */
	KAFKA_REPORT_MS = 5000,	 /* a report rather says what it cannot tell than wait longer */
	KAFKA_LEADER_MS = 5000,	 /* choosing a partition's leader takes that at most */
	KAFKA_PAUSE_MS = 20,	 /* before asking again what was answered "not yet" */
	KAFKA_TEND_MS = 1000,	 /* a member polls at least so often */
	KAFKA_OTHERS_MS = 200,	 /* before asking again what other members have committed */
	KAFKA_JOIN_MS = 5000,	 /* beyond session_ms, until a dead member has heirs */
	KAFKA_LEAVE_MS = 1000,	 /* leaving the group takes that at most */
	KAFKA_SETTLE_MS = 2000,	 /* what was committed just now shows within that */
	KAFKA_GRACE_MS = 15000,	 /* beyond transaction_ms, until a dead writer is noticed */
	KAFKA_CALL_MS = 10000,	 /* a call of a transaction, which is then made again */
	KAFKA_SKEW_MS = 3600000, /* two machines' clocks differ by less */
	KAFKA_STUCK_MS = 60000,	 /* beyond transaction_ms: this commit never comes back */
	KAFKA_FULL_MS = 10,	 /* a look at a full queue */
	KAFKA_RECORDS_MS = 1000, /* for so long offsets wait until the records are out */
	KAFKA_RESTART_MS = 500	 /* the longest pause before a transaction is tried once more */
};

struct kafka_in;
struct letter;

struct kafka {
	struct kafka_options options;
	char topic[TOPICS][KAFKA_NAME_MAX];
	char group[KAFKA_NAME_MAX];	     /* the issuers' */
	rd_kafka_conf_t *conf;		     /* what all clients begin with */
	int transaction_ms;		     /* a dead writer's transaction is aborted after that */
	int session_ms;			     /* a dead member's partitions are free after that */
	int stats_fd;			     /* -1: none */
	rd_kafka_t *committed, *uncommitted; /* readers, each opened when first needed */
	rd_kafka_t *outsider;		     /* likewise: of the issuers' group, not in it */
	struct sink *waits;    /* whose waiting is called while something takes long */
	pthread_mutex_t lock;  /* of what is below */
	char talk[KAFKA_TALK]; /* lines not yet said */
	size_t talk_len;
	int64_t untold;	       /* lines there was no room for */
	char trouble[256];     /* the last error a broker gave, "" */
	int64_t down_since_ms; /* no broker answers since; 0: one does */
	bool refused;	       /* by its authentication */
	bool warned;	       /* that it is waited for */
	struct kafka_in *in;   /* the group's member among the clients */
	bool busy;	       /* a commit has not come back: its thread still has this */
};

/* A copy of the common settings with these. */
struct kafka_setting {
	const char *name; /* NULL ends a list */
	const char *value;
};

rd_kafka_conf_t *kafka_conf(struct kafka *, const struct kafka_setting *);

/* Whose callbacks get the handle. Takes the settings over; NULL and why. */
rd_kafka_t *kafka_client(rd_kafka_type_t, rd_kafka_conf_t *, struct fault *why);

/* Clients of these settings are heard. */
void kafka_listen(struct kafka *, rd_kafka_conf_t *);

/* Says what the clients said (-v). */
void kafka_speak(struct kafka *);

/* -1 with EX_UNAVAILABLE once no broker has answered for as long as reconnect_ms. */
int kafka_alive(struct kafka *, rd_kafka_t *, struct fault *why);

/* EX_UNAVAILABLE with the brokers' address and their last words. */
int kafka_unreachable(struct kafka *, struct fault *why);

/* EX_TEMPFAIL: there is no answer yet, and it is not waited for any longer. */
int kafka_stopped(struct kafka *, struct fault *why);

/* Readers that belong to no group; `committed` sees committed records only, up to the last stable
 * offset. NULL and why. */
rd_kafka_t *kafka_reader(struct kafka *, bool committed, struct fault *why);

/* Whether that is what the client says of a question which nobody answered. */
bool kafka_no_answer(rd_kafka_resp_err_t);

/* What a question to the brokers came to: 0, or -1 and why; 1 where there was no answer, and it is to
 * be asked again: for as long as reconnect_ms, all in all, which is said once. NULL: it is not. */
struct kafka_wait {
	int64_t until_ms; /* 0 at first */
};

int kafka_asked(struct kafka *, rd_kafka_resp_err_t, struct kafka_wait *, struct fault *why);

/* A person waits for the answer: reconnect_ms becomes KAFKA_REPORT_MS at most. What it was, to be put
 * back. */
int64_t kafka_hurry(struct kafka *);

/* Of the issuers' group without joining it; told what is committed for sure, where its members wait
 * until no transaction is open that may commit more. NULL and why. */
rd_kafka_t *kafka_outsider(struct kafka *, struct fault *why);

/* The brokers and all topics; the caller destroys it. */
int kafka_metadata(struct kafka *, const struct rd_kafka_metadata **, struct fault *why);

/* How many partitions a topic has; EX_CONFIG where there is no such topic. */
int32_t kafka_partitions(struct kafka *, enum topic, struct fault *why);

/* Asked once, for KAFKA_ASK_MS: RD_KAFKA_OFFSET_BEGINNING, RD_KAFKA_OFFSET_END, or a time in ms: the first
 * record since then, RD_KAFKA_OFFSET_END where there is none. */
rd_kafka_resp_err_t kafka_ask_offset(rd_kafka_t *, const char *topic, int32_t partition,
				     int64_t which, int64_t *offset);

/* The first offset and the one behind the last, as this reader sees them. */
int kafka_watermarks(struct kafka *, bool committed, enum topic, int32_t partition, int64_t *low,
		     int64_t *high, struct fault *why);

/* Lets a sink's owner do what it must; NULL: nobody waits. */
int kafka_tell_waiting(struct sink *, struct fault *why);

/* Waits until all that stands in a partition now is decided, committed or aborted: 1; 0 where that
 * takes longer than the limit; -1. `waits` is called meanwhile; NULL: nobody is. */
struct range {
	int64_t low;	/* the first offset */
	int64_t stable; /* behind the last one that is decided */
};

int kafka_wait_stable(struct kafka *, enum topic, int32_t partition, int64_t limit_ms,
		      struct sink *waits, struct range *, struct fault *why);

/* The same for as long as another writer's open transaction may last. 0, or -1: EX_TEMPFAIL where it is
 * open still. */
int kafka_wait_settled(struct kafka *, enum topic, int32_t partition, struct sink *waits,
		       struct range *, struct fault *why);

/* For each message that is read, and how many there were, of all partitions: they share a queue. Who
 * reads fast empties it long before librdkafka looks again whether it has room, a second after it was
 * full; any question to the broker makes it look. */
void kafka_wake(rd_kafka_t *, const rd_kafka_message_t *, int64_t read);

/* Calls visit for each committed record in from..to-1 of a partition, until it returns not 0:
 * that is then the answer. */
int kafka_scan(struct kafka *, enum topic, int32_t partition, int64_t from, int64_t to,
	       int (*visit)(void *, const rd_kafka_message_t *, struct fault *), void *self,
	       struct fault *why);

/* The value of a record's header, NULL and 0 where there is none. */
const char *kafka_header(const rd_kafka_message_t *, const char *name, size_t *len);

/* A header that is a number, not negative; -1 where there is none. */
int64_t kafka_header_int(const rd_kafka_message_t *, const char *name);

/* What a record of gifticon_publish.dlq says. The letter borrows the message. */
void kafka_read_letter(const rd_kafka_message_t *, struct letter *);

/* The last progress record of an event. Waits, calling the sink's waiting, while another writer's
 * open transaction may hide it: EX_TEMPFAIL when that lasts. */
int kafka_progress(struct kafka *, const char *event_id, struct sink *waits, struct progress *,
		   struct fault *why);

/* Hands a record to the producer; the topics are its own handles. */
rd_kafka_resp_err_t kafka_produce(const struct kafka *, rd_kafka_t *, rd_kafka_topic_t *const *,
				  const struct outgoing *);

/* --- what to do about an error ---------------------------------------------------------------- */

/* Sorted by remedy.h where it is there, else by what the client says of it. */
enum remedy kafka_sort(struct kafka *, rd_kafka_resp_err_t, const char *text, struct fault *why);

/* The same of a transactional call's error, which is destroyed. */
enum remedy kafka_sort_error(struct kafka *, rd_kafka_error_t *, struct fault *why);

/* --- the issuer's pair ------------------------------------------------------------------------ */

/* In the group; the diagram is in kafka_group.c. */
enum kafka_in_state {
	KAFKA_OUTSIDE,	/* nothing is ours */
	KAFKA_ASSIGNED, /* partitions are, but where they begin is not settled yet */
	KAFKA_CLAIMING,
	KAFKA_READING, /* from here on what is taken may be committed */
	KAFKA_PAUSED
};

struct kafka_part {
	bool ours;
	int64_t next;	   /* to commit: behind what was taken; -1: not known */
	int64_t listed;	   /* the same, as the last take has it; at first what is committed */
	int64_t committed; /* -1: nothing is */
	int64_t low, last; /* at the start: the first offset, and the last stable one */
	int64_t end;	   /* the last stable one, as it was seen last */
	int64_t cut;	   /* of ours: what is below, and is not committed, is gone */
};

/* What one take gave out, and what is to be committed for it. */
struct kafka_take {
	rd_kafka_message_t **message;
	size_t messages, room;
	rd_kafka_topic_partition_list_t *offsets; /* NULL: none */
};

enum { KAFKA_TAKES = 8 };

struct kafka_in {
	struct source source;
	struct kafka *kafka;
	struct sink *sink;	   /* with which what is taken is committed */
	char name[KAFKA_NAME_MAX]; /* the member's */
	rd_kafka_t *rk;
	rd_kafka_queue_t *queue;
	bool follow;
	struct kafka_part *part; /* by number */
	int32_t parts;
	struct kafka_take take[KAFKA_TAKES]; /* in turn */
	int turn;			     /* the next one's */
	int held;			     /* takes that no commit has had yet: those before it */
	int64_t read;			     /* records, of all partitions */
	enum kafka_in_state state;
	rd_kafka_topic_partition_list_t *ours;
	rd_kafka_consumer_group_metadata_t *member; /* as of the assignment of `ours` */
	bool failed;				    /* while it was tended, as `failure` says */
	struct fault failure;
	int64_t held_since_ms; /* it cannot be told what is committed; 0: it can */
	const char *said;      /* of that */
	int32_t rejoined;      /* so that so many partitions are shared out */
	int64_t polled_ms, asked_ms, moved_ms;
	int64_t trouble_since_ms, trouble_ms; /* the first and the last of it; 0: none */
};

int kafka_in_join(struct kafka_in *, struct fault *why);
void kafka_in_leave(struct kafka_in *);

/* Leaves and joins, so that the group shares out its partitions anew. */
int kafka_in_rejoin(struct kafka_in *, struct fault *why);

/* How many partitions the group's members have, all together; INT64_MAX while it shares them out anew. */
rd_kafka_resp_err_t kafka_in_shared(struct kafka_in *, int64_t *partitions);

/* ASSIGNED to READING: the partitions that are ours begin where they are committed, and what was read
 * ahead is dropped. 0 also where it must be tried again. */
int kafka_in_claim(struct kafka_in *, struct fault *why);

/* Room for so many partitions. */
int kafka_in_grow(struct kafka_in *, int32_t parts, struct fault *why);

/* There was trouble again: has there been nothing else for as long as reconnect_ms? */
bool kafka_in_lasts(struct kafka_in *);

/* Sorts an error of the group's: 0, it may pass, or -1: it will not, or lasts longer than
 * reconnect_ms. */
int kafka_in_trouble(struct kafka_in *, rd_kafka_resp_err_t, const char *text, struct fault *why);

/* Looks once: a record, or NULL; *result is -1 where it was trouble that will not pass. The group may
 * have spoken meanwhile: what was taken before is dropped then. */
rd_kafka_message_t *kafka_in_poll(struct kafka_in *, int timeout_ms, int *result,
				  struct fault *why);

/* What a source has of kafka_take.c. */
int kafka_take(struct source *, struct incoming *, size_t max, const struct control *,
	       struct fault *why);
bool kafka_lost(struct source *);

/* Is there anything that no take has brought? */
bool kafka_to_commit(const struct kafka_in *);

/* What there was of ours at the start is committed, and it is time to ask about the others'. */
bool kafka_may_have_ended(const struct kafka_in *);
void kafka_drop_taken(struct kafka_in *);

int kafka_source_open(struct kafka *, const char *instance, bool follow, struct kafka_in **,
		      struct fault *why);
int kafka_sink_open(struct kafka *, const char *transactional_id, struct kafka_in *,
		    const struct bus *, struct sink **,
		    struct fault *why); /* the bus may be NULL */

/* source.rebuilt: looks for the last progress that is decided. */
int kafka_rebuilt(struct source *, const char *event_id, int64_t *rebuilt_us, struct fault *why);

/* source.buried: looks through the dead letters. */
int kafka_buried(struct source *, const char *id, struct burial *, size_t count, struct fault *why);

int kafka_reach(struct source *, int32_t partition, struct reach *, struct fault *why);

/* What the first so many takes that no commit has had bring to be committed, and on whose behalf; both are
 * the caller's to destroy. NULL: there is nothing. *lost: what was taken is not ours any more, and
 * nothing may come of it. */
rd_kafka_topic_partition_list_t *kafka_taken(struct kafka_in *, size_t takes,
					     rd_kafka_consumer_group_metadata_t **, bool *lost);

/* What is committed of these partitions; of those in an open transaction, what was before. A partition's
 * own error is one of all: where it is, nothing is known of what is committed. */
rd_kafka_resp_err_t kafka_in_ask(struct kafka_in *, rd_kafka_topic_partition_list_t *);

/* 1 where this is committed, by its mark, in any of its partitions; 0; -1. */
int kafka_find_mark(struct kafka_in *, const rd_kafka_topic_partition_list_t *, const char *mark,
		    struct fault *why);

/* These offsets are committed. */
void kafka_committed(struct kafka_in *, const rd_kafka_topic_partition_list_t *);

/* --- a producer ------------------------------------------------------------------------------- */

struct kafka_out {
	struct sink sink;
	struct kafka *kafka;
	struct kafka_in *in; /* NULL: no offsets go along */
	char id[KAFKA_NAME_MAX];
	rd_kafka_t *rk;
	rd_kafka_topic_t *topic[TOPICS];
	bool open;    /* a transaction is */
	bool failed;  /* it takes no more records: it can only be aborted */
	bool unknown; /* what became of it: this producer is of no more use */
	int64_t trouble_since_ms;
	int restarts;	      /* since the last commit */
	int64_t committed_us; /* when the last commit was answered */
	/* the commit under way */
	struct errand commit;
	rd_kafka_topic_partition_list_t *offsets;
	rd_kafka_consumer_group_metadata_t *member;
	char mark[KAFKA_NAME_MAX + 24]; /* of its offsets */
	bool ending;			/* it may be out */
	bool done;
	enum remedy remedy; /* unless done */
	struct fault fault;
};

/* Speaks, and lets the sink's owner do what it must. */
int kafka_out_wait_a_little(struct kafka_out *, struct fault *why);

/* A new producer: it ends what the former one has left open. */
int kafka_out_renew(struct kafka_out *, struct fault *why);

/* For so long beginning a transaction waits. */
int64_t kafka_out_rest_us(const struct kafka_out *);

/* A transaction is open, or it is spoilt: it takes no more records. -1 where a person must do
 * something. */
int kafka_out_begin(struct kafka_out *, struct fault *why);
int kafka_out_spoilt(struct kafka_out *, enum remedy, struct fault *why);

/* What a sink has of kafka_commit.c. */
int kafka_out_commit(struct sink *, size_t takes, struct fault *why);
int kafka_out_settle(struct sink *, struct fault *why);
bool kafka_out_busy(struct sink *);
void kafka_out_release(struct kafka_out *);

#endif
