#include "histogram.h"

/* Powers of two from EXACT on are cut into PER_POWER buckets each, up to LIMIT. */
enum { EXACT = 256, EXACT_BITS = 8, PER_POWER = 128, PER_POWER_BITS = 7 };
static const int64_t LIMIT = INT64_C(1) << 53;

static int bucket_of(int64_t value)
{
	int power;

	if (value < EXACT)
		return (int)value;
	if (value >= LIMIT)
		return HISTOGRAM_BUCKETS - 1;
	power = 63 - __builtin_clzll((unsigned long long)value);
	return EXACT + (power - EXACT_BITS) * PER_POWER + (int)(value >> (power - PER_POWER_BITS)) -
	       PER_POWER;
}

static int64_t upper_end(int bucket)
{
	int shift = (bucket - EXACT) / PER_POWER + EXACT_BITS - PER_POWER_BITS;
	int64_t step = (bucket - EXACT) % PER_POWER + PER_POWER;

	if (bucket < EXACT)
		return bucket;
	if (bucket == HISTOGRAM_BUCKETS - 1)
		return LIMIT;
	return ((step + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, int64_t value)
{
	if (value < 0)
		value = 0;
	if (value > LIMIT)
		value = LIMIT;
	histogram->count++;
	if (value > histogram->max)
		histogram->max = value;
	histogram->bucket[bucket_of(value)]++;
}

/* 99.9 % of 1000 is 999, though 99.9 in binary is a little more than 99.9. */
static uint64_t nearest_rank(uint64_t count, double percent)
{
	double exact = percent / 100 * (double)count;
	uint64_t rank;

	if (percent >= 100)
		return count;
	exact -= exact * 1e-12;
	rank = exact > 0 ? (uint64_t)exact : 0;
	if ((double)rank < exact || rank == 0)
		rank++;
	return rank;
}

int64_t histogram_percentile(const struct histogram *histogram, double percent)
{
	uint64_t rank = nearest_rank(histogram->count, percent);
	uint64_t seen = 0;

	for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		int64_t end = upper_end(i);

		seen += histogram->bucket[i];
		if (seen >= rank)
			return end < histogram->max ? end : histogram->max;
	}
	return histogram->max;
}
