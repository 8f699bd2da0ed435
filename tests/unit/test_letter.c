#include "letter.h"
#include "tap.h"

static struct fault why;

static struct letter read_line(const char *line)
{
	struct letter letter;

	letter_read_line(&letter, line, strlen(line), &why);
	return letter;
}

static const char *fault_of_line(const char *line)
{
	struct letter letter;

	return letter_read_line(&letter, line, strlen(line), &why) < 0 ? why.line : NULL;
}

#define WINNER                                                                                     \
	"{\\\"type\\\":\\\"winner\\\",\\\"event\\\":\\\"e\\\","                                    \
	"\\\"id\\\":\\\"0f8fad5b-d9cb-469f-a165-70867728950e\\\",\\\"user\\\":\\\"ann\\\","        \
	"\\\"ticket\\\":3,\\\"joined_us\\\":1,\\\"granted_us\\\":2}"

static void test_line(void)
{
	struct letter letter =
		read_line("{\"type\":\"dead\",\"error_class\":\"foreign\",\"error_message\":"
			  "\"a\\tb\",\"attempts\":2,\"last_failure_us\":7,\"replays\":4,"
			  "\"run\":\"r\",\"value\":\"" WINNER "\"}");

	is_str(letter.kind, "foreign", "the class");
	is_str(letter.message, "a\\x09b", "the message, as it may be shown");
	is_int(letter.attempts, 2, "attempts");
	is_int(letter.failed_us, 7, "the time");
	is_int(letter.replays, 4, "replays");
	is_str(letter.winner.user, "ann", "whose it is");
	is_int(letter.winner.ticket, 3, "the ticket");
	is_int(letter.status, LETTER_DEAD, "four times sent again: may be sent again");
	letter = read_line("{\"type\":\"dead\",\"replays\":5,\"value\":\"" WINNER "\"}");
	is_int(letter.status, LETTER_FINAL, "five times: not any more");
	is_int(letter.attempts, -1, "what it does not say");
	letter = read_line(
		"{\"type\":\"dead\",\"attempts\":\"x\",\"replays\":-3,\"run\":7,\"value\":\"hello\"}");
	is_int(letter.attempts, -1, "what is no number");
	is_int(letter.replays, 0, "a number that is none of ours");
	is_str(letter.run, "", "what is no text");
	is_int(letter.status, LETTER_FINAL, "no winner's record");
	letter = read_line("{\"type\":\"dead\",\"value_base64\":\"/w==\"}");
	is_int(letter.status, LETTER_FINAL, "a value that is not UTF-8");
	is_str(letter.winner.event, "", "... is nobody's");
}

static void test_no_line(void)
{
	is_str(fault_of_line(""), "not a dead letter: not a JSON object", "nothing");
	is_str(fault_of_line("[]"), "not a dead letter: not a JSON object", "an array");
	is_str(fault_of_line("{}"), "not a dead letter: field 'type' is not 'dead'", "no type");
	is_str(fault_of_line("{\"type\":1}"), "not a dead letter: field 'type' is not 'dead'",
	       "a type that is no text");
	is_str(fault_of_line("{\"type\":\"dead\",\"type\":\"dead\"}"),
	       "not a dead letter: not a JSON object", "a field named twice");
}

static struct redriven again(const struct redriven *r, struct buffer *json)
{
	struct redriven read;

	buffer_clear(json);
	redriven_json(json, r);
	is_int(redriven_read(&read, json->bytes, json->len, &why), 0, "it can be read again");
	return read;
}

static void test_redriven(void)
{
	struct redriven r = {.partition = 2, .block = 7, .newest_ms = 1795516952231}, read;
	struct buffer json = {0};

	read = again(&r, &json);
	ok(memcmp(read.bits, r.bits, sizeof r.bits) == 0, "none are marked");
	r.bits[0] = 1;
	r.bits[1] = 0x80;
	read = again(&r, &json);
	buffer_add(&json, "", 1);
	is_str(json.bytes,
	       "{\"type\":\"redriven\",\"partition\":2,\"block\":7,\"newest_ms\":1795516952231,"
	       "\"letters\":\"0180\"}",
	       "two are");
	ok(read.partition == 2 && read.block == 7 && read.newest_ms == r.newest_ms &&
		   memcmp(read.bits, r.bits, sizeof r.bits) == 0,
	   "... the same");
	memset(r.bits, 0xff, sizeof r.bits);
	read = again(&r, &json);
	ok(memcmp(read.bits, r.bits, sizeof r.bits) == 0, "all are");
	buffer_release(&json);
}

static int refuses(const char *json)
{
	struct redriven r;

	return redriven_read(&r, json, strlen(json), &why) == -1 && why.status == EX_PROTOCOL;
}

static void test_no_redriven(void)
{
#define HEAD "{\"type\":\"redriven\",\"partition\":0,\"block\":0,\"newest_ms\":1"
	ok(!refuses(HEAD ",\"letters\":\"01\"}"), "as it should be");
	ok(refuses(HEAD "}"), "no letters");
	ok(refuses(HEAD ",\"letters\":\"0\"}"), "half a byte");
	ok(refuses(HEAD ",\"letters\":\"0g\"}"), "no hexadecimal");
	ok(refuses("{\"type\":\"progress\",\"partition\":0,\"block\":0,\"newest_ms\":1,"
		   "\"letters\":\"01\"}"),
	   "another type");
	ok(refuses(""), "nothing, as a tombstone has");
}

static bool met(const char *text, const struct letter *letter)
{
	struct match match;

	return match_parse(text, &match, &why) == 0 && match_all(&match, 1, letter);
}

static void test_match(void)
{
	struct letter letter = {.partition = 2, .offset = 17, .kind = "foreign", .run = "r"};
	struct match match[2];

	strcpy(letter.winner.event, "e");
	strcpy(letter.winner.user, "a=b");
	letter.winner.ticket = 3;
	ok(met("event=e", &letter) && !met("event=f", &letter) && !met("event=", &letter), "event");
	ok(met("user=a=b", &letter), "a value with an equals sign");
	ok(met("id=", &letter), "what it does not say");
	ok(met("ticket=3", &letter) && !met("ticket=4", &letter), "ticket");
	ok(met("error_class=foreign", &letter) && met("run=r", &letter), "class and run");
	ok(met("partition=2", &letter) && met("offset=17", &letter), "its place");
	match_parse("event=e", &match[0], &why);
	match_parse("ticket=4", &match[1], &why);
	ok(match_all(match, 1, &letter) && !match_all(match, 2, &letter) &&
		   match_all(match, 0, &letter),
	   "all must be met");
	ok(match_parse("shoe=1", match, &why) < 0 && why.status == EX_USAGE, "no such key");
	ok(match_parse("event", match, &why) < 0 && match_parse("=e", match, &why) < 0,
	   "no KEY=VALUE");
	ok(match_parse("ticket=x", match, &why) < 0 && match_parse("offset=-1", match, &why) < 0,
	   "no number");
}

int main(void)
{
	test_line();
	test_no_line();
	test_redriven();
	test_no_redriven();
	test_match();
	return done_testing();
}
