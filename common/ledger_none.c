/* ledger_none.c - in the place of ledger_postgresql*.c where there is no libpq to build with. */
#include "ledger_backend.h"

int ledger_postgresql_open(const char *place, bool to_read, struct ledger **ledger,
			   struct fault *why)
{
	(void)place;
	(void)to_read;
	(void)ledger;
	return fault_set(why, EX_USAGE,
			 "--ledger: this fcfs was built without PostgreSQL: write sqlite:PATH, or "
			 "install libpq (14 or later) and build it again");
}
