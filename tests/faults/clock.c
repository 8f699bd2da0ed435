/*
 * clock.c - preloaded into a tool, puts its wall clock forward by CLOCK_OFFSET_S seconds, or back, as on a machine whose
 * clock is wrong. The monotonic clock is left alone (libfaketime shifts it, too, and librdkafka hangs).
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>

static long offset(void)
{
	const char *value = getenv("CLOCK_OFFSET_S");

	return value ? atol(value) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *at)
{
	int (*next)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
	int result = next(clock, at);

	if (clock == CLOCK_REALTIME)
		at->tv_sec += offset();
	return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
	int (*next)(struct timeval *, void *) = dlsym(RTLD_NEXT, "gettimeofday");
	int result = next(at, zone);

	at->tv_sec += offset();
	return result;
}

time_t time(time_t *at)
{
	time_t (*next)(time_t *) = dlsym(RTLD_NEXT, "time");
	time_t now = next(NULL) + offset();

	if (at)
		*at = now;
	return now;
}

int timespec_get(struct timespec *at, int base)
{
	int (*next)(struct timespec *, int) = dlsym(RTLD_NEXT, "timespec_get");
	int result = next(at, base);

	at->tv_sec += offset();
	return result;
}

/* Until a time by that clock. */
int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
			   const struct timespec *until)
{
	int (*next)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *) =
		dlsym(RTLD_NEXT, "pthread_cond_timedwait");
	struct timespec real = *until;

	real.tv_sec -= offset();
	return next(cond, mutex, &real);
}

/* The same in C's own words, as Debian 13's librdkafka calls it. */
int cnd_timedwait(cnd_t *restrict cond, mtx_t *restrict mutex,
		  const struct timespec *restrict until)
{
	int (*next)(cnd_t *, mtx_t *, const struct timespec *) = dlsym(RTLD_NEXT, "cnd_timedwait");
	struct timespec real = *until;

	real.tv_sec -= offset();
	return next(cond, mutex, &real);
}
