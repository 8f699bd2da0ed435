#include "histogram.h"
#include "tap.h"

enum { SAMPLES = 100000 };

static int64_t samples[SAMPLES];
static uint64_t seed = 42;

/* xorshift64*: the same on every machine. */
static uint64_t next_random(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * UINT64_C(2685821657736338717);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Percentiles in hundredths, so that the exact rank is integer arithmetic. */
static void against_sorted(int count, const char *name)
{
	static struct histogram histogram;
	int wrong = 0;

	memset(&histogram, 0, sizeof histogram);
	for (int i = 0; i < count; i++)
		histogram_add(&histogram, samples[i]);
	qsort(samples, (size_t)count, sizeof *samples, compare);
	for (int hundredths = 0; hundredths <= 10000; hundredths++) {
		int64_t rank = ((int64_t)hundredths * count + 9999) / 10000;
		int64_t exact = samples[rank ? rank - 1 : 0];
		int64_t got = histogram_percentile(&histogram, hundredths / 100.0);

		wrong += got < exact || got - exact > exact / 128 || got > samples[count - 1] ||
			 (exact < 256 && got != exact);
	}
	is_int(wrong, 0, name);
	is_int(histogram.max, samples[count - 1], "... and the maximum");
	is_int((int64_t)histogram.count, count, "... and the count");
}

static void test_samples(void)
{
	for (int i = 0; i < SAMPLES; i++)
		samples[i] = (int64_t)(next_random() % 300);
	against_sorted(SAMPLES, "percentiles of small values");
	for (int i = 0; i < SAMPLES; i++)
		samples[i] = (int64_t)(next_random() >> (12 + next_random() % 52));
	against_sorted(SAMPLES, "percentiles of values of every size");
	for (int count = 1; count <= 40; count++) {
		char name[40];

		for (int i = 0; i < count; i++)
			samples[i] = (int64_t)(next_random() % 100000);
		snprintf(name, sizeof name, "percentiles of %d values", count);
		against_sorted(count, name);
	}
	for (int i = 0; i < 1000; i++)
		samples[i] = i + 1;
	against_sorted(1000, "percentiles of 1 to 1000");
}

/* One value and a larger one: the percentile is the first one's bucket. */
static int64_t read_back(int64_t value)
{
	static struct histogram histogram;

	memset(&histogram, 0, sizeof histogram);
	histogram_add(&histogram, value);
	histogram_add(&histogram, INT64_MAX);
	return histogram_percentile(&histogram, 50);
}

static void test_edges(void)
{
	struct histogram histogram = {0};
	int wrong = 0;
	int64_t largest = INT64_C(1) << 53;

	is_int(histogram_percentile(&histogram, 50), 0, "nothing recorded");
	for (int power = 0; power < 53; power++) {
		for (int64_t value = (INT64_C(1) << power) - 1; value <= (INT64_C(1) << power) + 1;
		     value++) {
			int64_t got = read_back(value);

			wrong += got < value || got - value > value / 128;
		}
	}
	is_int(wrong, 0, "around each power of two at most 1/128 above");
	is_int(read_back(255), 255, "255 is exact");
	is_int(read_back(256), 257, "256 shares a bucket with 257");
	is_int(read_back(-5), 0, "a negative value counts as 0");
	is_int(read_back(largest), largest, "2^53");
	is_int(read_back(INT64_MAX), largest, "more counts as 2^53");
	ok(read_back(largest - 1) >= largest - 1, "2^53 - 1 is not understated");
}

static void test_percent(void)
{
	struct histogram histogram = {0};

	for (int i = 1; i <= 200; i++)
		histogram_add(&histogram, i);
	is_int(histogram_percentile(&histogram, 0), 1, "0 % is the smallest");
	is_int(histogram_percentile(&histogram, 50), 100, "50 % by nearest rank");
	is_int(histogram_percentile(&histogram, 50.1), 101, "a little more is the next");
	is_int(histogram_percentile(&histogram, 99.5), 199, "99.5 %");
	is_int(histogram_percentile(&histogram, 100), 200, "100 % is the largest");
	is_int(histogram_percentile(&histogram, 500), 200, "more than all");
	is_int(histogram_percentile(&histogram, -1), 1, "less than none");
}

int main(void)
{
	test_samples();
	test_edges();
	test_percent();
	return done_testing();
}
