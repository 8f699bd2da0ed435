#include "retry.h"

#include <sys/random.h>

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
