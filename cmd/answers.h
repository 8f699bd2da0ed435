/*
 * answers.h - the verb of join, leave and rank: ask about people, print an answer a line.
 */
#ifndef FCFS_ANSWERS_H
#define FCFS_ANSWERS_H

#include "stream.h"

struct answers_column {
	const char *name; /* in JSON */
	char type;	  /* as in stream.h */
	/* Is there a value in an answer of this status? NULL: where it is not 0 or "". */
	bool (*present)(const char *status);
};

struct answers_word {
	const char *status; /* ends with NULL */
	int exit_status;    /* where one person was asked about */
};

struct answers {
	const char *function;
	bool reads_only;
	bool in_runs;		 /* behind the status: of how many people, as in stream.h */
	bool times;		 /* latency percentiles on stderr */
	const char *args[2];	 /* as in stream.h */
	const char *status_name; /* the first column, in JSON: "status", "state" */
	const struct answers_column *columns; /* behind status and person; name NULL ends */
	const struct answers_word *words;
};

/* EVENT and the people among the operands, else from stdin. Returns an exit status or -1. */
int answers_run(const struct answers *, char **operands, struct fault *why);

/* The same about everybody in line. */
int answers_run_line(const struct answers *, const char *event, struct fault *why);

#endif
