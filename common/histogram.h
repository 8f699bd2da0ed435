/*
 * histogram.h - percentiles in bounded memory.
 *
 * Log-linear buckets (as in HdrHistogram, hdrhistogram.org): exact below 256, then 128 buckets to
 * each power of two, so a value read back is at most 1/128 above what was recorded. Values are
 * non-negative and unit-free; 2^53 and more count as 2^53. About 47 KiB each.
 */
#ifndef FCFS_HISTOGRAM_H
#define FCFS_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 256 + 45 * 128 };

struct histogram {
	uint64_t count;
	int64_t max;
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

/* init with `= {0}` or memset. Negative values count as 0. */
void histogram_add(struct histogram *, int64_t value);

/* The smallest recorded value (its bucket's upper end, never above max) that at least
 * `percent` (0-100) of all values do not exceed: nearest rank. 0 when nothing was recorded. */
int64_t histogram_percentile(const struct histogram *, double percent);

#endif
