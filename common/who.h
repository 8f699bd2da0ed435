/* who.h - who decided by hand: uid@host, as event_log and marks of leaving record it. */
#ifndef FCFS_WHO_H
#define FCFS_WHO_H

enum { WHO_MAX = 96 };

/* Returns its argument. */
const char *who_am_i(char out[WHO_MAX]);

#endif
