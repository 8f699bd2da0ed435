#include "retry.h"

#include <stddef.h>
#include <sys/random.h>
#include <sysexits.h>

static const struct {
	enum retry_part part;
	int status;
	bool transient;
} FAULTS[] = {
	{RETRY_DELIVERY, EX_TEMPFAIL, true},	/* the command says: try again */
	{RETRY_DELIVERY, EX_UNAVAILABLE, true}, /* it died over a record, or did not answer */
	{RETRY_DELIVERY, EX_OSERR, true},	/* no process for it now */
	{RETRY_DELIVERY, EX_DATAERR, false},	/* it says: never */
	{RETRY_DELIVERY, EX_CONFIG, false},	/* there is no such command */
	{RETRY_LEDGER, EX_TEMPFAIL, true},    /* another writer holds it, or it cannot write now */
	{RETRY_LEDGER, EX_UNAVAILABLE, true}, /* its server is away */
	{RETRY_LEDGER, EX_OSERR, false},      /* its file cannot be read or written, or is gone */
	{RETRY_LEDGER, EX_CONFIG, false},     /* it is none, or a newer one, or refuses us */
	{RETRY_LEDGER, EX_SOFTWARE, false},   /* it contradicts Redis */
};

bool retry_is_transient(enum retry_part part, int status)
{
	for (size_t i = 0; i < sizeof FAULTS / sizeof *FAULTS; i++)
		if (FAULTS[i].part == part && FAULTS[i].status == status)
			return FAULTS[i].transient;
	return false;
}

int64_t retry_delay_ms(const struct retry *retry, int failures)
{
	enum { FIRST_MS = 100 };
	int64_t most = FIRST_MS;
	uint64_t random = 0;

	while (--failures > 0 && most < retry->max_ms)
		most *= 2;
	if (most > retry->max_ms)
		most = retry->max_ms;
	/* without randomness the pause is the longest */
	if (getrandom(&random, sizeof random, 0) != sizeof random)
		return most;
	return (int64_t)(random % ((uint64_t)most + 1));
}
