/*
 * remedy.h - every fault of a server or a command that is met by something else than ending: sorted once,
 * in one table (remedy.c), whosever it is.
 *
 * A fault that is not in the table is for who asks: of Redis it is an answer we do not understand, of
 * Kafka what the client says of it, of the ledger and of delivery permanent.
 */
#ifndef FCFS_REMEDY_H
#define FCFS_REMEDY_H

#include <stddef.h>

/* Whose fault it is, and by what it is known there. */
enum part {
	PART_REDIS,   /* the beginning of its answer */
	PART_KAFKA,   /* the code, an rd_kafka_resp_err_t */
	PART_LEDGER,  /* the status, as in fault.h */
	PART_DELIVERY /* the status */
};

enum remedy {
	REMEDY_NONE,  /* permanent: a person must do something, or it is the answer */
	REMEDY_AGAIN, /* transient: the same call, later */
	REMEDY_LOAD,  /* load the library, the same call */
	REMEDY_ABORT, /* the transaction, and begin anew */
	REMEDY_RENEW, /* a new producer: what became of the transaction is not known */
	REMEDY_FENCED /* another writer has our transactional id, or our member's name */
};

struct known_fault {
	enum part part;
	int code;	  /* not of Redis */
	const char *word; /* of Redis */
	enum remedy remedy;
	int status;	  /* of the tool that ends with it */
	const char *hint; /* behind the server's own words: what to do; "": nothing */
};

/* NULL: not in the table. */
const struct known_fault *known_fault_of_code(enum part, int code);
const struct known_fault *known_fault_of_answer(const char *text);

/* REMEDY_NONE where it is not in the table. */
enum remedy remedy_of(enum part, int status);

#endif
