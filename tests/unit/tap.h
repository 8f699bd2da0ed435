/*
 * tap.h - a unit test's output in the Test Anything Protocol (testanything.org), the plan last.
 * Each returns whether the test passed; a test that fails prints what was expected and got.
 */
#ifndef FCFS_TAP_H
#define FCFS_TAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count;
static int tap_failures;

static inline bool ok(bool passed, const char *name)
{
	tap_count++;
	tap_failures += !passed;
	printf("%s %d - %s\n", passed ? "ok" : "not ok", tap_count, name);
	return passed;
}

static inline bool is_int(int64_t got, int64_t expected, const char *name)
{
	if (ok(got == expected, name))
		return true;
	printf("# expected %lld\n#      got %lld\n", (long long)expected, (long long)got);
	return false;
}

/* Two NULLs are the same. */
static inline bool is_str(const char *got, const char *expected, const char *name)
{
	if (ok(got && expected ? strcmp(got, expected) == 0 : got == expected, name))
		return true;
	printf("# expected '%s'\n#      got '%s'\n", expected ? expected : "(null)",
	       got ? got : "(null)");
	return false;
}

static inline bool is_bytes(const char *got, size_t len, const char *expected, const char *name)
{
	if (ok(len == strlen(expected) && memcmp(got, expected, len) == 0, name))
		return true;
	printf("# expected '%s'\n#      got '%.*s'\n", expected, (int)len, got);
	return false;
}

static inline bool has_str(const char *text, const char *part, const char *name)
{
	if (ok(strstr(text, part) != NULL, name))
		return true;
	printf("# expected '%s' in\n#          '%s'\n", part, text);
	return false;
}

/* Prints the plan; what main returns. */
static inline int done_testing(void)
{
	printf("1..%d\n", tap_count);
	if (tap_failures)
		printf("# %d of %d failed\n", tap_failures, tap_count);
	return tap_failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
