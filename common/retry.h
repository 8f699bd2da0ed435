/*
 * retry.h - which faults go away by themselves, and how long to wait before the next try.
 *
 * Transient: the same call may well succeed later. Permanent: it will not until a person has done
 * something. A fault that is not in the table (retry.c) is permanent: whoever adds one sorts it.
 * Redis and Kafka say so themselves, by word and by code, which redis_reply.c and kafka_fault.c sort; what
 * passes there is tried again there, for as long as --reconnect says, and is permanent when it comes out.
 */
#ifndef FCFS_RETRY_H
#define FCFS_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/* Whose fault it is. */
enum retry_part { RETRY_DELIVERY, RETRY_LEDGER };

/* status: of the fault, as in fault.h. */
bool retry_is_transient(enum retry_part, int status);

struct retry {
	int retries;	/* tries after the first */
	int64_t max_ms; /* the longest pause */
};

enum { RETRY_RETRIES = 5, RETRY_MAX_MS = 30000 };

/* The pause before try number `failures` + 1: exponential backoff with full jitter, evenly spread
 * over 0 .. min(max_ms, 100 ms * 2^(failures - 1)), so that many who failed together do not come back
 * together (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015). */
int64_t retry_delay_ms(const struct retry *, int failures);

#endif
