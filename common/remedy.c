/*
 * remedy.c - the table of all faults, and the looking up.
 */
#include "remedy.h"

#include <librdkafka/rdkafka.h> /* for its codes alone: nothing of it is called here */
#include <string.h>
#include <sysexits.h>

#define CREATE_TOPICS ": create the topics with fcfs-setup kafka"
#define GRANT ": grant what fcfs-setup acl prints"
#define CLOCK ": the clock of this machine or of the broker is more than an hour off: set it"
#define PRIMARY ": name its primary with -r or FCFS_REDIS"
#define TOO_OLD ": Redis 7.0 or Valkey 7.2 is needed"

#define REDIS(word, remedy, status, hint)                                                          \
	{                                                                                          \
		PART_REDIS, 0, word, REMEDY_##remedy, status, hint                                 \
	}
#define KAFKA(code, remedy, status, hint)                                                          \
	{                                                                                          \
		PART_KAFKA, RD_KAFKA_RESP_ERR_##code, "", REMEDY_##remedy, status, hint            \
	}
#define LEDGER(status, remedy)                                                                     \
	{                                                                                          \
		PART_LEDGER, status, "", REMEDY_##remedy, status, ""                               \
	}
#define DELIVERY(status, remedy)                                                                   \
	{                                                                                          \
		PART_DELIVERY, status, "", REMEDY_##remedy, status, ""                             \
	}

static const struct known_fault FAULTS[] = {
	REDIS("NOEVENT", NONE, EX_CONFIG, ""), REDIS("ERR Function not found", LOAD, EX_CONFIG, ""),
	REDIS("LOADING", AGAIN, EX_UNAVAILABLE, ""),
	REDIS("READONLY", AGAIN, EX_UNAVAILABLE, PRIMARY), REDIS("BUSY", AGAIN, EX_UNAVAILABLE, ""),
	REDIS("MASTERDOWN", AGAIN, EX_UNAVAILABLE, ""),
	REDIS("CLUSTERDOWN", AGAIN, EX_UNAVAILABLE, ""),
	REDIS("ERR WAIT cannot be used", AGAIN, EX_UNAVAILABLE, ""), /* as READONLY */
	REDIS("TRYAGAIN", AGAIN, EX_UNAVAILABLE, ""), REDIS("UNBLOCKED", AGAIN, EX_UNAVAILABLE, ""),
	REDIS("OOM", NONE, EX_TEMPFAIL, ": nobody is let in until it has memory"),
	REDIS("MISCONF", NONE, EX_TEMPFAIL, ": nobody is let in until it can write its disk"),
	REDIS("NOREPLICAS", NONE, EX_TEMPFAIL, ": nobody is let in until they are back"),
	REDIS("NOAUTH", NONE, EX_CONFIG, ": name a file with FCFS_REDIS_PASSWORD_FILE"),
	REDIS("WRONGPASS", NONE, EX_CONFIG,
	      ": the user is that of -r, the password's file FCFS_REDIS_PASSWORD_FILE"),
	REDIS("NOPERM", NONE, EX_CONFIG, GRANT),
	/* as 8.0 says it */
	REDIS("ERR ACL failure in script", NONE, EX_CONFIG, GRANT),
	/* NOPERM, as 7.0 says it */
	REDIS("ERR The user executing the script", NONE, EX_CONFIG, GRANT),
	REDIS("MOVED", NONE, EX_CONFIG, ": a cluster is not supported"),
	REDIS("ERR unknown command", NONE, EX_CONFIG, TOO_OLD),
	REDIS("ERR Unknown subcommand", NONE, EX_CONFIG, TOO_OLD),
	REDIS("ERR AUTH", NONE, EX_CONFIG, ": unset FCFS_REDIS_PASSWORD_FILE"),
	REDIS("ERR DB index", NONE, EX_CONFIG, ""),
	REDIS("ERR max number of clients", AGAIN, EX_UNAVAILABLE, ""),
	KAFKA(_FENCED, FENCED, EX_TEMPFAIL, ""), KAFKA(PRODUCER_FENCED, FENCED, EX_TEMPFAIL, ""),
	KAFKA(INVALID_PRODUCER_EPOCH, FENCED, EX_TEMPFAIL, ""),
	/* The group has moved on without us: what was taken is another member's. */
	KAFKA(ILLEGAL_GENERATION, ABORT, EX_TEMPFAIL, ""),
	KAFKA(UNKNOWN_MEMBER_ID, ABORT, EX_TEMPFAIL, ""),
	KAFKA(REBALANCE_IN_PROGRESS, ABORT, EX_TEMPFAIL, ""),
	/* Of a commit: a member whose session ran out joins anew under its name, and its former self
	 * is fenced. Whether another issuer has the name, the group tells the member itself. */
	KAFKA(FENCED_INSTANCE_ID, ABORT, EX_TEMPFAIL, ""),
	/* A person must do something. */
	KAFKA(UNKNOWN_TOPIC_OR_PART, NONE, EX_CONFIG, CREATE_TOPICS),
	KAFKA(_UNKNOWN_TOPIC, NONE, EX_CONFIG, CREATE_TOPICS),
	KAFKA(_UNKNOWN_PARTITION, NONE, EX_CONFIG, CREATE_TOPICS),
	KAFKA(TOPIC_AUTHORIZATION_FAILED, NONE, EX_CONFIG, ""),
	KAFKA(GROUP_AUTHORIZATION_FAILED, NONE, EX_CONFIG, ""),
	KAFKA(CLUSTER_AUTHORIZATION_FAILED, NONE, EX_CONFIG, ""),
	KAFKA(TRANSACTIONAL_ID_AUTHORIZATION_FAILED, NONE, EX_CONFIG, ""),
	KAFKA(SASL_AUTHENTICATION_FAILED, NONE, EX_CONFIG, ""),
	KAFKA(_AUTHENTICATION, NONE, EX_CONFIG, ""),
	KAFKA(INVALID_SESSION_TIMEOUT, NONE, EX_CONFIG, ""),
	KAFKA(INVALID_TRANSACTION_TIMEOUT, NONE, EX_CONFIG, ""),
	KAFKA(UNSUPPORTED_FOR_MESSAGE_FORMAT, NONE, EX_CONFIG, ""),
	KAFKA(INVALID_TIMESTAMP, NONE, EX_CONFIG, CLOCK),
	KAFKA(_UNSUPPORTED_FEATURE, NONE, EX_CONFIG, ""),
	KAFKA(POLICY_VIOLATION, NONE, EX_CONFIG, ""),
	KAFKA(INVALID_REPLICATION_FACTOR, NONE, EX_CONFIG, ""),
	KAFKA(INVALID_PARTITIONS, NONE, EX_CONFIG, ""), KAFKA(INVALID_CONFIG, NONE, EX_CONFIG, ""),
	KAFKA(TOPIC_EXCEPTION, NONE, EX_CONFIG, ""),
	DELIVERY(EX_TEMPFAIL, AGAIN),	 /* the command says: try again */
	DELIVERY(EX_UNAVAILABLE, AGAIN), /* it died over a record, or did not answer */
	DELIVERY(EX_OSERR, AGAIN),	 /* no process for it now */
	DELIVERY(EX_DATAERR, NONE),	 /* it says: never */
	DELIVERY(EX_CONFIG, NONE),	 /* there is no such command */
	LEDGER(EX_TEMPFAIL, AGAIN),	 /* another writer holds it, or it cannot write now */
	LEDGER(EX_UNAVAILABLE, AGAIN),	 /* its server is away */
	LEDGER(EX_OSERR, NONE),		 /* its file cannot be read or written, or is gone */
	LEDGER(EX_CONFIG, NONE),	 /* it is none, or a newer one, or refuses us */
	LEDGER(EX_SOFTWARE, NONE),	 /* it contradicts Redis */
};

enum { COUNT = sizeof FAULTS / sizeof *FAULTS };

const struct known_fault *known_fault_of_code(enum part part, int code)
{
	for (size_t i = 0; i < COUNT; i++)
		if (FAULTS[i].part == part && FAULTS[i].code == code)
			return &FAULTS[i];
	return NULL;
}

const struct known_fault *known_fault_of_answer(const char *text)
{
	for (size_t i = 0; i < COUNT; i++)
		if (FAULTS[i].part == PART_REDIS &&
		    strncmp(text, FAULTS[i].word, strlen(FAULTS[i].word)) == 0)
			return &FAULTS[i];
	return NULL;
}

enum remedy remedy_of(enum part part, int status)
{
	const struct known_fault *known = known_fault_of_code(part, status);

	return known ? known->remedy : REMEDY_NONE;
}
