/*
 * control.h - how a loop in common/ hears of signals and talks to people, without knowing how.
 */
#ifndef FCFS_CONTROL_H
#define FCFS_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

struct control {
	bool (*stopping)(void);		    /* a signal asked to finish what is begun, and end */
	int stop_fd;			    /* readable once stopping is true; for poll(2) */
	void (*complain)(const char *line); /* something was refused: always said */
	void (*warn)(const char *line);	    /* something a person should know */
	void (*note)(const char *line);	    /* said only where asked for (-v) */
	void (*progress)(int64_t done);	    /* called often; shows what it likes */
};

#endif
