/*
 * kafka_fault.c - what to do about each error of the brokers or the client, sorted by remedy.c.
 *
 * An error that is in the table is sorted by it, wherever it comes from; any other by what the
 * client says of it: fatal, or a time-out: a new producer (after an unanswered EndTxn nobody can
 * tell, and asking again has been seen to hang); else needs an abort; else may be called again.
 */
#include "kafka_private.h"

#include <stdio.h>

enum remedy kafka_sort(struct kafka *k, rd_kafka_resp_err_t code, const char *text,
		       struct fault *why)
{
	const struct known_fault *known = known_fault_of_code(PART_KAFKA, code);

	fault_set(why, known ? known->status : EX_UNAVAILABLE, "kafka '%s': %s%s",
		  k->options.brokers, text, known ? known->hint : "");
	return known ? known->remedy : REMEDY_RENEW;
}

enum remedy kafka_sort_error(struct kafka *k, rd_kafka_error_t *error, struct fault *why)
{
	rd_kafka_resp_err_t code = rd_kafka_error_code(error);
	enum remedy remedy = kafka_sort(k, code, rd_kafka_error_string(error), why);
	bool timed_out = code == RD_KAFKA_RESP_ERR__TIMED_OUT;

	if (remedy == REMEDY_RENEW && !rd_kafka_error_is_fatal(error) && !timed_out) {
		if (rd_kafka_error_txn_requires_abort(error))
			remedy = REMEDY_ABORT;
		else if (rd_kafka_error_is_retriable(error))
			remedy = REMEDY_AGAIN;
	}
	rd_kafka_error_destroy(error);
	return remedy;
}
