/* clock.h - this machine's clocks. What is decided by time is decided by the server's, in Lua. */
#ifndef FCFS_CLOCK_H
#define FCFS_CLOCK_H

#include <stdint.h>

/* Monotonic: for how long. */
int64_t clock_ms(void);
int64_t clock_us(void);

/* Since 1970: for when. */
int64_t clock_now_us(void);

/* For so long, or until a signal comes; not at all where it is 0 or less. */
void clock_sleep_ms(int64_t ms);
void clock_sleep_us(int64_t us);

#endif
