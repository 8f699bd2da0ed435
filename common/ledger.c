#include "ledger.h"

#include "ledger_backend.h"

#include <string.h>

static const struct {
	const char *scheme;
	int (*open)(const char *place, struct ledger **ledger, struct fault *why);
} kinds[] = {
	{"sqlite:", ledger_sqlite_open},
};

int ledger_open(const char *url, struct ledger **ledger, struct fault *why)
{
	*ledger = NULL;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		size_t len = strlen(kinds[i].scheme);

		if (strncmp(url, kinds[i].scheme, len) == 0)
			return kinds[i].open(url + len, ledger, why);
	}
	/* not shown: it may hold a password */
	return fault_set(why, EX_USAGE, "--ledger is no URL of a ledger: write sqlite:PATH");
}

void ledger_close(struct ledger *ledger)
{
	if (ledger)
		ledger->backend->close(ledger);
}

int ledger_begin(struct ledger *ledger, struct fault *why)
{
	return ledger->backend->begin(ledger, why);
}

int ledger_commit(struct ledger *ledger, struct fault *why)
{
	return ledger->backend->commit(ledger, why);
}

void ledger_rollback(struct ledger *ledger)
{
	ledger->backend->rollback(ledger);
}

int ledger_keep(struct ledger *ledger, const struct issued *issued, struct issued *found,
		struct fault *why)
{
	return ledger->backend->keep(ledger, issued, found, why);
}

int ledger_run(struct ledger *ledger, const struct run *run, struct fault *why)
{
	return ledger->backend->run(ledger, run, why);
}
