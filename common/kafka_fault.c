/*
 * kafka_fault.c - what to do about each error of the brokers or the client, sorted here once.
 *
 * An error that is in the table is sorted by it, wherever it comes from; any other by what the
 * client says of it: fatal, or a time-out: a new producer (after an unanswered EndTxn nobody can
 * tell, and asking again has been seen to hang); else needs an abort; else may be called again.
 */
#include "kafka_private.h"

#include <stdio.h>

static const struct {
	rd_kafka_resp_err_t code;
	enum kafka_remedy remedy;
	int status;
	const char *hint;
} ERRORS[] = {
	{RD_KAFKA_RESP_ERR__FENCED, KAFKA_FENCED, EX_TEMPFAIL, ""},
	{RD_KAFKA_RESP_ERR_PRODUCER_FENCED, KAFKA_FENCED, EX_TEMPFAIL, ""},
	{RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, KAFKA_FENCED, EX_TEMPFAIL, ""},
	/* The group has moved on without us: what was taken is another member's. */
	{RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, KAFKA_ABORT, EX_TEMPFAIL, ""},
	{RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, KAFKA_ABORT, EX_TEMPFAIL, ""},
	{RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, KAFKA_ABORT, EX_TEMPFAIL, ""},
	/* Of a commit: a member whose session ran out joins anew under its name, and its former self
	 * is fenced. Whether another issuer has the name, the group tells the member itself. */
	{RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, KAFKA_ABORT, EX_TEMPFAIL, ""},
	/* A person must do something. */
	{RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, KAFKA_GIVE_UP, EX_CONFIG,
	 ": create the topics with fcfs-setup kafka"},
	{RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, KAFKA_GIVE_UP, EX_CONFIG,
	 ": create the topics with fcfs-setup kafka"},
	{RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, KAFKA_GIVE_UP, EX_CONFIG,
	 ": create the topics with fcfs-setup kafka"},
	{RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, KAFKA_GIVE_UP, EX_CONFIG, ""},
	{RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, KAFKA_GIVE_UP, EX_CONFIG, ""},
	{RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, KAFKA_GIVE_UP, EX_CONFIG, ""},
	{RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, KAFKA_GIVE_UP, EX_CONFIG, ""},
	{RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, KAFKA_GIVE_UP, EX_CONFIG, ""},
	{RD_KAFKA_RESP_ERR__AUTHENTICATION, KAFKA_GIVE_UP, EX_CONFIG, ""},
	{RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT, KAFKA_GIVE_UP, EX_CONFIG, ""},
	{RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, KAFKA_GIVE_UP, EX_CONFIG, ""},
	{RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT, KAFKA_GIVE_UP, EX_CONFIG, ""},
	{RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, KAFKA_GIVE_UP, EX_CONFIG, ""},
	{RD_KAFKA_RESP_ERR_POLICY_VIOLATION, KAFKA_GIVE_UP, EX_CONFIG, ""},
	{RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, KAFKA_GIVE_UP, EX_CONFIG, ""},
	{RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, KAFKA_GIVE_UP, EX_CONFIG, ""},
	{RD_KAFKA_RESP_ERR_INVALID_CONFIG, KAFKA_GIVE_UP, EX_CONFIG, ""},
	{RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, KAFKA_GIVE_UP, EX_CONFIG, ""},
};

enum kafka_remedy kafka_sort(struct kafka *k, rd_kafka_resp_err_t code, const char *text,
			     struct fault *why)
{
	for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
		if (ERRORS[i].code == code) {
			fault_set(why, ERRORS[i].status, "kafka '%s': %s%s", k->options.brokers,
				  text, ERRORS[i].hint);
			return ERRORS[i].remedy;
		}
	fault_set(why, EX_UNAVAILABLE, "kafka '%s': %s", k->options.brokers, text);
	return KAFKA_RENEW;
}

enum kafka_remedy kafka_sort_error(struct kafka *k, rd_kafka_error_t *error, struct fault *why)
{
	rd_kafka_resp_err_t code = rd_kafka_error_code(error);
	enum kafka_remedy remedy = kafka_sort(k, code, rd_kafka_error_string(error), why);
	bool timed_out = code == RD_KAFKA_RESP_ERR__TIMED_OUT;

	if (remedy == KAFKA_RENEW && !rd_kafka_error_is_fatal(error) && !timed_out) {
		if (rd_kafka_error_txn_requires_abort(error))
			remedy = KAFKA_ABORT;
		else if (rd_kafka_error_is_retriable(error))
			remedy = KAFKA_AGAIN;
	}
	rd_kafka_error_destroy(error);
	return remedy;
}
