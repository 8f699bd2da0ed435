/*
 * coprocess.h - a command that runs beside us, its standard input and output in our hands.
 *
 * It is in a process group of its own, so that a signal from the terminal reaches it through us
 * alone, and all that it started can be ended with it. Its standard error is ours. Where we die without
 * ending it, it is sent SIGTERM: when the thread that started it ends, so that is to be main's.
 */
#ifndef FCFS_COPROCESS_H
#define FCFS_COPROCESS_H

#include "fault.h"

#include <stdbool.h>
#include <sys/types.h>

/* Both descriptors are non-blocking and closed in what else we start. */
struct coprocess {
	pid_t pid; /* 0: there is none */
	int to;	   /* its standard input; -1 where it reads no more */
	int from;  /* its standard output */
};

/* Starts `sh -c command` with the signals as a new program expects them. The caller ignores SIGPIPE.
 * -1 with EX_OSERR. */
int coprocess_start(struct coprocess *, const char *command, struct fault *why);

/* Its standard input ends; it has grace_ms to end too, and may write (nobody reads it); then it, and
 * what is left of its group, is killed. Returns its status as of waitpid(2). Leaves pid 0. */
int coprocess_end(struct coprocess *, int grace_ms);

#endif
