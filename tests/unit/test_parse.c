#include "name.h"
#include "parse.h"
#include "tap.h"

static const int64_t DAY_MS = 86400000;
static const int64_t NOW_US = INT64_C(1764547200000000); /* 2025-12-01T00:00:00Z */

static void count(const char *text, int64_t max, int64_t expected)
{
	struct fault why = {0};
	int64_t value = -1;
	char name[120];

	snprintf(name, sizeof name, "count '%.80s'", text);
	parse_count("--stock", text, 1, max, &value, &why);
	is_int(value, expected, name);
	if (expected < 0)
		is_int(why.status, EX_USAGE, "... is misuse");
}

static void test_count(void)
{
	struct fault why;
	int64_t value;

	count("1", 10, 1);
	count("10", 10, 10);
	count("007", 10, 7);
	count("9223372036854775807", INT64_MAX, INT64_MAX);
	count("9223372036854775808", INT64_MAX, -1);
	count("99999999999999999999999999", INT64_MAX, -1);
	count("11", 10, -1);
	count("0", 10, -1);
	count("", 10, -1);
	count("-1", 10, -1);
	count("+1", 10, -1);
	count(" 1", 10, -1);
	count("1 ", 10, -1);
	count("1e3", 10000, -1);
	count("0x10", 100, -1);
	count("1.0", 10, -1);
	count("5", 3, -1);
	is_int(parse_count("--stock", "1\x1b[m", 1, 9, &value, &why), -1, "a terminal's escape");
	is_str(why.line, "--stock '1\\x1B[m' is not a whole number from 1 to 9", "the fault");
}

static void duration(const char *text, int64_t expected)
{
	struct fault why = {0};
	int64_t ms = -1;
	char name[120];

	snprintf(name, sizeof name, "duration '%.80s'", text);
	parse_duration("--every", text, &ms, &why);
	is_int(ms, expected, name);
	if (expected < 0)
		is_int(why.status, EX_USAGE, "... is misuse");
}

static void test_duration(void)
{
	struct fault why;
	int64_t ms;

	duration("250ms", 250);
	duration("5s", 5000);
	duration("10m", 600000);
	duration("2h", 7200000);
	duration("1d", DAY_MS);
	duration("0s", 0);
	duration("1.5s", 1500);
	duration("0.001s", 1);
	duration("1.0ms", 1);
	duration("0.25d", DAY_MS / 4);
	duration("366d", 366 * DAY_MS);
	duration("31622400000ms", 366 * DAY_MS);
	duration("366.000000001d", -1);
	duration("367d", -1);
	duration("8785h", -1);
	duration("31622400001ms", -1);
	duration("9223372036854775807d", -1);
	duration("99999999999999999999s", -1);
	duration("0.5ms", -1);
	duration("0.0001s", -1);
	duration("1.0000000000s", -1);
	duration("5", -1);
	duration("", -1);
	duration("s", -1);
	duration(".5s", -1);
	duration("5.s", -1);
	duration("-5s", -1);
	duration("5 s", -1);
	duration("5S", -1);
	duration("5sec", -1);
	duration("1h30m", -1);
	duration("1.5.5s", -1);
	parse_duration("--every", "5", &ms, &why);
	is_str(why.line, "--every '5' is not a duration like 250ms, 1.5s, 10m, 2h or 1d",
	       "the fault");
}

/* expected is what format_time makes of it, or NULL. */
static void at(const char *text, const char *expected)
{
	struct fault why = {0};
	int64_t us = -1;
	char name[120];
	char out[TIME_TEXT];

	snprintf(name, sizeof name, "time '%.80s'", text);
	if (parse_time("--opens", text, NOW_US, &us, &why) < 0) {
		is_str(NULL, expected, name);
		is_int(why.status, EX_USAGE, "... is misuse");
		return;
	}
	format_time(out, us);
	is_str(out, expected, name);
}

static void test_rfc3339(void)
{
	at("2026-12-01T12:00:00+09:00", "2026-12-01T03:00:00Z");
	at("2026-12-01 12:00:00-00:30", "2026-12-01T12:30:00Z");
	at("2026-12-01t12:00:00z", "2026-12-01T12:00:00Z");
	at("2026-12-01T00:00:00+23:59", "2026-11-30T00:01:00Z");
	at("2026-12-01T12:00:00.5Z", "2026-12-01T12:00:00.500000Z");
	at("2026-12-01T12:00:00.000001Z", "2026-12-01T12:00:00.000001Z");
	at("2026-12-01T12:00:00.000000Z", "2026-12-01T12:00:00Z");
	at("2026-12-01 12:00:00.123456789+00:00", "2026-12-01T12:00:00.123456Z");
	at("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z");
	at("1969-12-31T23:00:00-01:00", "1970-01-01T00:00:00Z");
	at("2199-12-31T23:59:59.999999Z", "2199-12-31T23:59:59.999999Z");
	at("2200-01-01T00:00:00+00:01", "2199-12-31T23:59:00Z");
	at("1970-01-01T00:00:00+00:01", NULL);
	at("2200-01-01T00:00:00Z", NULL);
	at("2199-12-31T23:59:59-00:01", NULL);
	at("0000-01-01T00:00:00Z", NULL);
	at("9999-12-31T23:59:59Z", NULL);
}

static void test_calendar(void)
{
	at("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z");
	at("2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z");
	at("2024-03-01T00:00:00+00:01", "2024-02-29T23:59:00Z");
	at("2026-02-29T00:00:00Z", NULL);
	at("2100-02-29T00:00:00Z", NULL);
	at("2026-02-30T00:00:00Z", NULL);
	at("2026-04-31T00:00:00Z", NULL);
	at("2026-12-32T00:00:00Z", NULL);
	at("2026-13-01T00:00:00Z", NULL);
	at("2026-00-01T00:00:00Z", NULL);
	at("2026-01-00T00:00:00Z", NULL);
	at("2026-01-01T24:00:00Z", NULL);
	at("2026-01-01T23:60:00Z", NULL);
	at("2026-01-01T00:00:61Z", NULL);
}

static void test_leap_second(void)
{
	at("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z");
	at("2017-01-01T08:59:60+09:00", "2017-01-01T00:00:00Z");
	at("2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.500000Z");
	at("2016-12-31T12:00:60Z", NULL);
	at("2016-12-31T23:59:60+09:00", NULL);
	at("2199-12-31T23:59:60Z", NULL);
}

static void test_malformed_time(void)
{
	at("", NULL);
	at("tomorrow", NULL);
	at("Now", NULL);
	at("2026-12-01", NULL);
	at("2026-12-01T12:00Z", NULL);
	at("2026-12-01T12:00:00", NULL);
	at("2026-12-01T12:00:00 Z", NULL);
	at("2026-12-01T12:00:00+0900", NULL);
	at("2026-12-01T12:00:00+09", NULL);
	at("2026-12-01T12:00:00+24:00", NULL);
	at("2026-12-01T12:00:00+09:60", NULL);
	at("2026-12-01T12:00:00.Z", NULL);
	at("2026-12-01T12:00:00,5Z", NULL);
	at("2026-12-01T12:00:00.1234567", NULL);
	at("2026-12-01T12:00:00Zx", NULL);
	at("26-12-01T12:00:00Z", NULL);
	at("2026-1-1T12:00:00Z", NULL);
	at("+2026-12-01T12:00:00Z", NULL);
	at("20261201T120000Z", NULL);
}

static void test_relative_time(void)
{
	struct fault why;
	int64_t us = -1;

	at("now", "2025-12-01T00:00:00Z");
	at("+10m", "2025-12-01T00:10:00Z");
	at("+1.5s", "2025-12-01T00:00:01.500000Z");
	at("+366d", "2026-12-02T00:00:00Z");
	at("+", NULL);
	at("+10", NULL);
	at("+-10m", NULL);
	at("-10m", NULL);
	at("+367d", NULL);
	is_int(parse_time("t", "+1s", INT64_C(7258118399500000), &us, &why), -1,
	       "a duration that leads beyond 2199");
	parse_time("--opens", "2026-02-30T00:00:00Z", 0, &us, &why);
	is_str(why.line,
	       "--opens '2026-02-30T00:00:00Z' names a day which that month does not have",
	       "the fault");
}

static void test_format(void)
{
	char out[TIME_TEXT];
	int wrong = 0;

	format_time(out, -1);
	is_str(out, "1969-12-31T23:59:59.999999Z", "a time before 1970");
	format_time(out, INT64_MAX);
	is_str(out, "294247-01-10T04:00:54.775807Z", "the last time of all");
	format_time(out, INT64_MIN);
	ok(strlen(out) < TIME_TEXT, "the first time of all fits");
	for (int64_t us = 0; us < INT64_C(7258118400000000); us += INT64_C(86399123457)) {
		struct fault why;
		int64_t back = -1;

		format_time(out, us);
		parse_time("t", out, 0, &back, &why);
		wrong += back != us;
	}
	is_int(wrong, 0, "each time through 2199 reads back");
}

int main(void)
{
	test_count();
	test_duration();
	test_rfc3339();
	test_calendar();
	test_leap_second();
	test_malformed_time();
	test_relative_time();
	test_format();
	return done_testing();
}
