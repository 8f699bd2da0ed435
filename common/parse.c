#include "parse.h"

#include "name.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const int64_t SECOND_US = 1000000;
static const int64_t DAY_S = 86400;
static const int64_t DURATION_MAX_MS = INT64_C(366) * 86400 * 1000;
static const int64_t TIME_END_S = INT64_C(7258118400); /* 2200-01-01T00:00:00Z */

/* What people typed is shown as names are: it may hold any byte. */
static int refuse(struct fault *why, const char *what, const char *text, const char *reason)
{
	char shown[NAME_SHOWN_MAX];

	name_show(shown, text, strlen(text));
	return fault_set(why, EX_USAGE, "%s '%s' %s", what, shown, reason);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads digits up to the first other byte; false where there are none or more than max. */
static bool read_digits(const char **text, int64_t max, int64_t *value)
{
	const char *p = *text;
	int64_t sum = 0;

	if (!is_digit(*p))
		return false;
	for (; is_digit(*p); p++) {
		int digit = *p - '0';

		if (digit > max || sum > (max - digit) / 10)
			return false;
		sum = sum * 10 + digit;
	}
	*text = p;
	*value = sum;
	return true;
}

/* Reads ".digits", or nothing, as a numerator over *scale, a power of ten up to max: finer digits stay unread. */
static bool read_fraction(const char **text, int64_t max, int64_t *value, int64_t *scale)
{
	const char *p = *text;

	*value = 0;
	*scale = 1;
	if (*p != '.')
		return true;
	if (!is_digit(p[1]))
		return false;
	for (p++; is_digit(*p) && *scale < max; p++) {
		*value = *value * 10 + (*p - '0');
		*scale *= 10;
	}
	*text = p;
	return true;
}

int parse_count(const char *what, const char *text, int64_t min, int64_t max, int64_t *value,
		struct fault *why)
{
	const char *p = text;
	char reason[80];
	int64_t count;

	if (read_digits(&p, max, &count) && *p == '\0' && count >= min) {
		*value = count;
		return 0;
	}
	snprintf(reason, sizeof reason, "is not a whole number from %" PRId64 " to %" PRId64, min,
		 max);
	return refuse(why, what, text, reason);
}

static int64_t unit_ms(const char *unit)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (strcmp(unit, units[i].name) == 0)
			return units[i].ms;
	}
	return 0;
}

/* NULL, or the reason for a refusal. */
static const char *read_duration(const char *text, int64_t *ms)
{
	static const char *const malformed = "is not a duration like 250ms, 1.5s, 10m, 2h or 1d";
	int64_t whole, part, scale, unit;

	if (!is_digit(*text))
		return malformed;
	if (!read_digits(&text, DURATION_MAX_MS, &whole))
		return "is longer than 366 days";
	if (!read_fraction(&text, 1000000000, &part, &scale))
		return malformed;
	unit = unit_ms(text);
	if (!unit)
		return malformed;
	if (part * unit % scale != 0)
		return "is finer than a millisecond";
	if (whole > DURATION_MAX_MS / unit || whole * unit + part * unit / scale > DURATION_MAX_MS)
		return "is longer than 366 days";
	*ms = whole * unit + part * unit / scale;
	return NULL;
}

int parse_duration(const char *what, const char *text, int64_t *ms, struct fault *why)
{
	const char *reason = read_duration(text, ms);

	return reason ? refuse(why, what, text, reason) : 0;
}

int parse_wait(const char *what, const char *text, int64_t *ms, struct fault *why)
{
	if (parse_duration(what, text, ms, why) < 0)
		return -1;
	return *ms > 0 ? 0 : refuse(why, what, text, "is not more than 0");
}

/* Reads exactly size digits, min..max. */
static bool read_part(const char **text, int size, int min, int max, int *value)
{
	const char *p = *text;

	*value = 0;
	for (int i = 0; i < size; i++, p++) {
		if (!is_digit(*p))
			return false;
		*value = *value * 10 + (*p - '0');
	}
	*text = p;
	return *value >= min && *value <= max;
}

static bool read_byte(const char **text, const char *allowed)
{
	if (**text == '\0' || !strchr(allowed, **text))
		return false;
	++*text;
	return true;
}

/* Z, or the hours and minutes that local time is ahead of UTC. */
static bool read_offset(const char **text, int *offset_s)
{
	bool behind = **text == '-';
	int hours, minutes;

	*offset_s = 0;
	if (read_byte(text, "Zz"))
		return true;
	if (!read_byte(text, "+-") || !read_part(text, 2, 0, 23, &hours) || !read_byte(text, ":") ||
	    !read_part(text, 2, 0, 59, &minutes))
		return false;
	*offset_s = (hours * 60 + minutes) * (behind ? -60 : 60);
	return true;
}

static bool read_date(const char **text, struct tm *tm)
{
	return read_part(text, 4, 0, 9999, &tm->tm_year) && read_byte(text, "-") &&
	       read_part(text, 2, 1, 12, &tm->tm_mon) && read_byte(text, "-") &&
	       read_part(text, 2, 1, 31, &tm->tm_mday);
}

static bool read_clock(const char **text, struct tm *tm)
{
	return read_part(text, 2, 0, 23, &tm->tm_hour) && read_byte(text, ":") &&
	       read_part(text, 2, 0, 59, &tm->tm_min) && read_byte(text, ":") &&
	       read_part(text, 2, 0, 60, &tm->tm_sec);
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* NULL, or the reason for a refusal. */
static const char *read_rfc3339(const char *text, int64_t *us)
{
	static const char *const malformed = "is not a time: 'now', '+10m' or RFC 3339 with its "
					     "offset, as 2026-12-01T12:00:00+09:00";
	struct tm tm = {0};
	int64_t part, scale, at_s;
	int offset_s;
	bool leap_second;

	if (!read_date(&text, &tm) || !read_byte(&text, "Tt ") || !read_clock(&text, &tm) ||
	    !read_fraction(&text, SECOND_US, &part, &scale))
		return malformed;
	while (is_digit(*text)) /* finer than a microsecond */
		text++;
	if (!read_offset(&text, &offset_s) || *text != '\0')
		return malformed;
	if (tm.tm_mday > days_in_month(tm.tm_year, tm.tm_mon))
		return "names a day which that month does not have";
	leap_second = tm.tm_sec == 60;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	at_s = (int64_t)timegm(&tm) - offset_s;
	if (leap_second && at_s % DAY_S != 0)
		return "has second 60, which only 23:59 UTC can have";
	if (at_s < 0 || at_s >= TIME_END_S)
		return "is outside the years 1970-2199";
	*us = at_s * SECOND_US + part * (SECOND_US / scale);
	return NULL;
}

static const char *read_later(const char *text, int64_t now_us, int64_t *us)
{
	int64_t ms;
	const char *reason = read_duration(text, &ms);

	if (reason)
		return reason;
	if (now_us < 0 || now_us >= TIME_END_S * SECOND_US - ms * 1000)
		return "is outside the years 1970-2199";
	*us = now_us + ms * 1000;
	return NULL;
}

int parse_time(const char *what, const char *text, int64_t now_us, int64_t *us, struct fault *why)
{
	const char *reason;

	if (strcmp(text, "now") == 0) {
		*us = now_us;
		return 0;
	}
	reason = *text == '+' ? read_later(text + 1, now_us, us) : read_rfc3339(text, us);
	return reason ? refuse(why, what, text, reason) : 0;
}

void format_time(char out[TIME_TEXT], int64_t us)
{
	int64_t rest_us = (us % SECOND_US + SECOND_US) % SECOND_US;
	time_t at_s = (time_t)(us / SECOND_US) - (us % SECOND_US < 0);
	struct tm tm;
	size_t used;

	gmtime_r(&at_s, &tm);
	used = (size_t)snprintf(out, TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900,
				tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (rest_us)
		used += (size_t)snprintf(out + used, TIME_TEXT - used, ".%06d", (int)rest_us);
	snprintf(out + used, TIME_TEXT - used, "Z");
}
