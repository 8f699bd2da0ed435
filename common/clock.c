#include "clock.h"

#include <time.h>

static int64_t read_us(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t clock_now_us(void)
{
	return read_us(CLOCK_REALTIME);
}

void clock_sleep_ms(int64_t ms)
{
	clock_sleep_us(ms * 1000);
}

void clock_sleep_us(int64_t us)
{
	const struct timespec length = {us / 1000000, us % 1000000 * 1000};

	if (us > 0)
		nanosleep(&length, NULL);
}
