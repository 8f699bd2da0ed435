/*
 * parse.h - the one checked parser for what people type: numbers, durations, times.
 * Each returns 0, or -1 with EX_USAGE and one line that names `what` and shows the text.
 */
#ifndef FCFS_PARSE_H
#define FCFS_PARSE_H

#include "fault.h"

#include <stdint.h>

/* Decimal digits only, min..max, neither negative. */
int parse_count(const char *what, const char *text, int64_t min, int64_t max, int64_t *value,
		struct fault *why);

/* A number and a unit, "250ms", "5s", "10m", "2h", "1d"; fractions ("1.5s") allowed; a bare number
 * is refused, and so is what is finer than a millisecond. Milliseconds out, at most 366 days. */
int parse_duration(const char *what, const char *text, int64_t *ms, struct fault *why);

/* The same, and more than nothing. */
int parse_wait(const char *what, const char *text, int64_t *ms, struct fault *why);

/* "now", "+DURATION" from now_us, or RFC 3339 ("2026-12-01T12:00:00+09:00", ' ' or 't' for 'T',
 * 'z', fractions cut to microseconds, the offset required; leap second 60, at 23:59 UTC only,
 * is taken as the next second). Microseconds since 1970 out, years 1970-2199 in UTC. */
int parse_time(const char *what, const char *text, int64_t now_us, int64_t *us, struct fault *why);

enum { TIME_TEXT = 40 };

/* RFC 3339 in UTC: 2026-12-01T03:00:00Z, with .ffffff only where there is a fraction. */
void format_time(char out[TIME_TEXT], int64_t us);

#endif
