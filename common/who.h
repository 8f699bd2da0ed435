/* who.h - this machine, and who decides by hand. */
#ifndef FCFS_WHO_H
#define FCFS_WHO_H

enum { HOST_MAX = 64, WHO_MAX = 96 };

/* gethostname(2), cut to HOST_MAX bytes; "localhost" where there is none. Returns its argument. */
const char *who_host(char out[HOST_MAX + 1]);

/* uid@host, as event_log and marks of leaving record it. Returns its argument. */
const char *who_am_i(char out[WHO_MAX]);

#endif
