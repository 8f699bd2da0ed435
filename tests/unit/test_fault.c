#include "fault.h"
#include "tap.h"

#include <errno.h>

static void test_set(void)
{
	struct fault why;

	is_int(fault_set(&why, EX_DATAERR, "line %d: %s", 7, "too long"), -1, "returns -1");
	is_int(why.status, EX_DATAERR, "the status");
	is_str(why.line, "line 7: too long", "the line");
	fault_set(&why, EX_DATAERR, "'%s'", "a\n\x1b[2J\x7f\t\xea\xb9\x80");
	is_str(why.line, "'a\\x0A\\x1B[2J\\x7F\\x09\xea\xb9\x80'", "control characters escaped");
	fault_set(&why, EX_DATAERR, "\xc2\x9b\x33\x31m \xe2\x80\xae \xff \xc3");
	is_str(why.line, "\\xC2\\x9B31m \\xE2\\x80\\xAE \\xFF \\xC3",
	       "... C1, a direction mark, and what is no UTF-8, too");
}

static void test_cut(void)
{
	struct fault why;
	char text[3000];

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	fault_set(&why, EX_SOFTWARE, "%s", text);
	ok(strlen(why.line) < sizeof why.line && strlen(why.line) > 1000, "a long text is cut");
	memset(text, '\n', sizeof text - 1);
	fault_set(&why, EX_SOFTWARE, "%s", text);
	ok(strlen(why.line) < sizeof why.line && strlen(why.line) % 4 == 0,
	   "... never inside an escape");
}

static void test_errno(void)
{
	struct fault why;

	errno = ENOENT;
	is_int(fault_errno(&why, EX_OSERR, "file '%s'", "x"), -1, "returns -1");
	is_int(why.status, EX_OSERR, "the status");
	is_str(why.line, "file 'x': No such file or directory", "the reason behind it");
}

int main(void)
{
	test_set();
	test_cut();
	test_errno();
	return done_testing();
}
