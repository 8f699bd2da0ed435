#include "errand.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <time.h>

static void *work(void *self)
{
	struct errand *e = self;

	pthread_mutex_lock(&e->lock);
	for (;;) {
		while (!e->call && !e->ends)
			pthread_cond_wait(&e->changed, &e->lock);
		if (!e->call)
			break;
		pthread_mutex_unlock(&e->lock);
		e->call(e->self);
		pthread_mutex_lock(&e->lock);
		e->call = NULL;
		pthread_cond_signal(&e->changed);
	}
	pthread_mutex_unlock(&e->lock);
	return NULL;
}

static void prepare(struct errand *e)
{
	pthread_condattr_t steady;

	pthread_mutex_init(&e->lock, NULL);
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&e->changed, &steady);
	pthread_condattr_destroy(&steady);
}

/* A thread begins with the signal mask of who makes it. */
static int start(struct errand *e, struct fault *why)
{
	sigset_t all, before;

	prepare(e);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	errno = pthread_create(&e->thread, NULL, work, e);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	e->started = errno == 0;
	return e->started ? 0 : fault_errno(why, EX_OSERR, "a second thread");
}

int errand_begin(struct errand *e, void (*call)(void *self), void *self, struct fault *why)
{
	if (!e->started && start(e, why) < 0)
		return -1;
	assert(!e->begun);
	e->begun = true;
	pthread_mutex_lock(&e->lock);
	e->call = call;
	e->self = self;
	pthread_cond_signal(&e->changed);
	pthread_mutex_unlock(&e->lock);
	return 0;
}

bool errand_busy(struct errand *e)
{
	return !errand_wait(e, 0);
}

static struct timespec in_ms(int64_t ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += ms / 1000;
	at.tv_nsec += ms % 1000 * 1000000;
	at.tv_sec += at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;
	return at;
}

bool errand_wait(struct errand *e, int64_t ms)
{
	const struct timespec until = in_ms(ms < 0 ? 0 : ms);
	bool over;
	int result = ms == 0 ? ETIMEDOUT : 0;

	if (!e->started)
		return true;
	pthread_mutex_lock(&e->lock);
	while (e->call && result == 0)
		result = ms < 0 ? pthread_cond_wait(&e->changed, &e->lock)
				: pthread_cond_timedwait(&e->changed, &e->lock, &until);
	over = !e->call;
	pthread_mutex_unlock(&e->lock);
	return over;
}

void errand_settle(struct errand *e)
{
	errand_wait(e, -1);
	e->begun = false;
}

void errand_end(struct errand *e)
{
	if (!e->started)
		return;
	pthread_mutex_lock(&e->lock);
	e->ends = true;
	pthread_cond_signal(&e->changed);
	pthread_mutex_unlock(&e->lock);
	pthread_join(e->thread, NULL);
	pthread_mutex_destroy(&e->lock);
	pthread_cond_destroy(&e->changed);
	*e = (struct errand){0};
}
