#include "run.h"
#include "tap.h"

#include <unistd.h>

static void test_begin(void)
{
	struct run run, other;
	char host[HOST_MAX + 1] = "";

	gethostname(host, sizeof host - 1);
	run_begin(&run, "issue");
	run_begin(&other, "a tool with a name too long");
	ok(name_is_uuid(run.run, strlen(run.run)), "a run has a UUID");
	ok(strcmp(run.run, other.run) != 0, "... of its own");
	is_str(run.tool, "issue", "its tool");
	is_int((int64_t)strlen(other.tool), sizeof other.tool - 1, "... cut where it is too long");
	is_str(run.host, host, "its host");
	ok(run.started_us > INT64_C(1700000000000000) && other.started_us >= run.started_us,
	   "its start in microseconds");
	ok(run.ended_us == 0 && run.in == 0 && !*run.status && !*run.error, "and nothing else");
	run_mark(&run, "completed");
	ok(run.ended_us >= run.started_us, "its end");
	is_str(run.status, "completed", "its status");
}

static void test_balance(void)
{
	struct run run = {.in = 10, .done = 4, .already = 3, .refused = 2, .dead = 1};

	ok(run_balances(&run), "in = done + already + refused + dead");
	run.in++;
	ok(!run_balances(&run), "one more in");
	run.dead++;
	ok(run_balances(&run), "... and it is dead");
	run.already--;
	run.refused++;
	ok(run_balances(&run), "... and every part counts once");
}

static void test_error(void)
{
	struct run run;

	run_begin(&run, "issue");
	memset(run.error, 'x', sizeof run.error - 3);
	memcpy(run.error + sizeof run.error - 3, "\xea\xb9", 3);
	run_mark(&run, "failed");
	is_str(run.error + sizeof run.error - 4, "x??", "an error cut inside a character");
	snprintf(run.error, sizeof run.error, "%s",
		 "a\xea\xb9\x80\xff"
		 "b");
	run_mark(&run, "failed");
	is_str(run.error, "a\xea\xb9\x80?b", "whole characters stay");
}

static void test_json(void)
{
	struct buffer buffer = {0};
	struct run run = {"r", "issue", "h", "e", "i", "failed", 1, 2, 3, 4, 5, 6, 7, 8, "a \"b\""};

	run_json(&buffer, &run);
	is_bytes(
		buffer.bytes, buffer.len,
		"{\"type\":\"run\",\"run\":\"r\",\"tool\":\"issue\",\"host\":\"h\",\"event\":\"e\","
		"\"id\":\"i\",\"status\":\"failed\",\"started_us\":1,\"ended_us\":2,\"in\":3,"
		"\"done\":4,\"already\":5,\"refused\":6,\"dead\":7,\"retried\":8,\"error\":\"a \\\"b\\\"\"}",
		"the record, fields in order");
	buffer_release(&buffer);
}

int main(void)
{
	test_begin();
	test_balance();
	test_error();
	test_json();
	return done_testing();
}
