#include "errand.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

struct trip {
	void (*call)(void *self);
	void *self;
};

static void *go(void *allocated)
{
	const struct trip trip = *(struct trip *)allocated;

	free(allocated);
	trip.call(trip.self);
	return NULL;
}

/* A thread begins with the signal mask of who makes it. */
static int start(struct errand *e, struct trip *trip)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&e->thread, NULL, go, trip);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

int errand_begin(struct errand *e, void (*call)(void *self), void *self, struct fault *why)
{
	struct trip *trip = malloc(sizeof *trip);

	assert(!e->away);
	if (trip)
		*trip = (struct trip){call, self};
	errno = trip ? start(e, trip) : ENOMEM;
	e->away = errno == 0;
	if (e->away)
		return 0;
	free(trip);
	return fault_errno(why, EX_OSERR, "a second thread");
}

bool errand_busy(struct errand *e)
{
	if (e->away)
		e->away = pthread_tryjoin_np(e->thread, NULL) != 0;
	return e->away;
}

/* The time of pthread_timedjoin_np is the wall clock's. */
static bool joined_within(pthread_t thread, int64_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	return pthread_timedjoin_np(thread, NULL, &until) == 0;
}

bool errand_wait(struct errand *e, int64_t ms)
{
	if (e->away)
		e->away =
			ms < 0 ? pthread_join(e->thread, NULL) != 0 : !joined_within(e->thread, ms);
	return !e->away;
}
