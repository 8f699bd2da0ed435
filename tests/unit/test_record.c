#include "record.h"
#include "tap.h"

#define ID "0f8fad5b-d9cb-469f-a165-70867728950e"
#define HEAD "{\"type\":\"winner\",\"event\":\"chicken\",\"id\":\"" ID "\",\"user\":\"kim\","
#define TAIL "\"ticket\":7,\"joined_us\":100,\"granted_us\":200}"

static const struct issued sample = {
	.winner = {"chicken", ID, "\xea\xb9\x80\"\\@x", 7, 100, 200, 0},
	.code = "000G40R40M30E209185GR38E1W",
	.issued_us = 300,
};

static void test_write(void)
{
	struct buffer buffer = {0};

	record_winner(&buffer, &sample.winner);
	is_bytes(buffer.bytes, buffer.len,
		 "{\"type\":\"winner\",\"event\":\"chicken\",\"id\":\"" ID
		 "\",\"user\":\"\xea\xb9\x80\\\"\\\\@x\",\"ticket\":7,\"joined_us\":100,"
		 "\"granted_us\":200}",
		 "a winner, fields in order");
	buffer_clear(&buffer);
	record_issued(&buffer, &sample);
	is_bytes(buffer.bytes, buffer.len,
		 "{\"type\":\"issued\",\"event\":\"chicken\",\"id\":\"" ID
		 "\",\"user\":\"\xea\xb9\x80\\\"\\\\@x\",\"ticket\":7,"
		 "\"code\":\"000G40R40M30E209185GR38E1W\",\"joined_us\":100,\"granted_us\":200,"
		 "\"issued_us\":300}",
		 "an issued, fields in order");
	buffer_release(&buffer);
}

static void test_round_trip(void)
{
	struct buffer buffer = {0};
	struct winner winner = sample.winner;
	struct winner back;
	struct fault why;

	memset(winner.event, 'e', EVENT_MAX);
	memset(winner.user, 'u', PERSON_MAX);
	winner.ticket = INT64_MAX;
	winner.joined_us = 0;
	record_winner(&buffer, &winner);
	is_int(record_read_winner(buffer.bytes, buffer.len, &back, &why), 0,
	       "what is written reads");
	is_str(back.event, winner.event, "... event");
	is_str(back.id, winner.id, "... id");
	is_str(back.user, winner.user, "... user");
	is_int(back.ticket, INT64_MAX, "... ticket");
	is_int(back.joined_us, 0, "... joined_us");
	is_int(back.granted_us, 200, "... granted_us");
	is_int(back.replays, 0, "... and it was never sent again");
	winner.replays = 3;
	buffer_clear(&buffer);
	record_winner(&buffer, &winner);
	record_read_winner(buffer.bytes, buffer.len, &back, &why);
	is_int(back.replays, 3, "... or it says how often");
	buffer_release(&buffer);
}

static void reads(const char *text, const char *name)
{
	struct winner winner;
	struct fault why = {0};

	is_int(record_read_winner(text, strlen(text), &winner, &why), 0, name);
	is_str(why.line, "", "... without a fault");
}

static void refuses_bytes(const char *bytes, size_t len, const char *line, const char *name)
{
	struct winner winner;
	struct fault why = {0};

	ok(record_read_winner(bytes, len, &winner, &why) == -1 && why.status == EX_DATAERR, name);
	is_str(why.line, line, "... with its reason");
}

static void refuses(const char *text, const char *line, const char *name)
{
	refuses_bytes(text, strlen(text), line, name);
}

static void test_accepted(void)
{
	reads(HEAD TAIL, "the smallest winner");
	reads(" { \"x\":{\"type\":[1,2.5,null]}, \"granted_us\":2, \"joined_us\":1, \"ticket\":1,"
	      "\"user\":\"a\", \"id\":\"" ID "\", \"event\":\"e\", \"type\":\"winner\" } \r",
	      "any order, unknown fields, white space");
	reads("{\"type\":\"winner\",\"event\":\"e\",\"id\":\"" ID
	      "\",\"user\":\"\\uae40\\ud83d\\ude00\"," TAIL,
	      "escaped characters");
}

static void test_fields(void)
{
	refuses(HEAD "\"ticket\":7,\"joined_us\":1,\"granted_us\":2,\"replays\":-1}",
		"field 'replays' is below 0", "sent again less than never");
	refuses("{}", "field 'type' is missing", "no field at all");
	refuses("{\"type\":\"issued\"}", "field 'type' is not 'winner'", "another type");
	refuses("{\"type\":1}", "field 'type' is not a string", "a type that is a number");
	refuses("{\"type\":\"winner\"}", "field 'event' is missing", "no event");
	refuses(HEAD "\"joined_us\":100,\"granted_us\":200}", "field 'ticket' is missing",
		"no ticket");
	refuses(HEAD "\"ticket\":7,\"joined_us\":1}", "field 'granted_us' is missing",
		"no granted_us");
	refuses("{\"type\":\"winner\",\"event\":\"a b\"," TAIL,
		"field 'event' is illegal: not an event's name", "an illegal event");
	refuses("{\"type\":\"winner\",\"event\":\"e\",\"id\":\"" ID "x\"," TAIL,
		"field 'id' is illegal: not a UUID in lower case", "an id too long");
	refuses("{\"type\":\"winner\",\"event\":\"e\",\"id\":\"" ID "\",\"user\":\"a b\"," TAIL,
		"field 'user' is illegal: has white space", "an illegal person");
	refuses("{\"type\":\"winner\",\"event\":\"e\",\"id\":\"" ID "\",\"user\":\"\"," TAIL,
		"field 'user' is illegal: empty", "a person without a name");
	refuses("{\"type\":\"winner\",\"event\":null}", "field 'event' is not a string",
		"a null for a text");
}

static void ticket(const char *value, const char *line)
{
	char text[400];
	char name[100];

	snprintf(text, sizeof text, HEAD "\"ticket\":%s,\"joined_us\":1,\"granted_us\":2}", value);
	snprintf(name, sizeof name, "ticket %.60s", value);
	refuses(text, line, name);
}

static void test_numbers(void)
{
	ticket("0", "field 'ticket' is below 1");
	ticket("-1", "field 'ticket' is below 1");
	ticket("1.0", "field 'ticket' is not an integer");
	ticket("1e3", "field 'ticket' is not an integer");
	ticket("\"1\"", "field 'ticket' is not an integer");
	ticket("true", "field 'ticket' is not an integer");
	ticket("null", "field 'ticket' is not an integer");
	ticket("[1]", "field 'ticket' is not an integer");
	ticket("9223372036854775808", "a number is too large");
	ticket("1e999", "a number is too large");
	ticket("01", "not JSON");
	ticket("+1", "not JSON");
	ticket("NaN", "not JSON");
	refuses(HEAD "\"ticket\":1,\"joined_us\":-1,\"granted_us\":2}",
		"field 'joined_us' is below 0", "a negative time");
}

static void test_not_json(void)
{
	refuses("", "not JSON", "nothing");
	refuses("chicken", "not JSON", "a word");
	refuses("[]", "not a JSON object", "an array");
	refuses(HEAD, "not JSON", "half a record");
	refuses(HEAD TAIL "x", "not JSON", "something behind it");
	refuses(HEAD TAIL HEAD TAIL, "not JSON", "two records");
	refuses("\xef\xbb\xbf" HEAD TAIL, "not JSON", "a byte order mark");
	refuses("{\"type\":\"winner\",\"type\":\"winner\"}", "a field is named twice",
		"a field named twice");
	refuses("{\"x\":{\"a\":1,\"a\":2}}", "a field is named twice", "... inside another");
	refuses("{\"x\":\"\xff\"}", "not valid UTF-8", "no UTF-8");
	refuses("{\"x\":\"\xed\xa0\x80\"}", "not valid UTF-8", "a surrogate");
	refuses("{\"x\":\"\\ud800\"}", "not JSON", "half an escaped surrogate pair");
	refuses("{\"x\":\"a\nb\"}", "not JSON", "a raw control character");
	refuses("{\"user\":\"a\\u0000b\"}", "a string has a NUL", "an escaped NUL");
	refuses("{\"a\\u0000b\":1}", "a string has a NUL", "... in a name");
	refuses_bytes(HEAD TAIL "\0", sizeof HEAD TAIL, "not JSON", "a raw NUL behind it");
	refuses_bytes("{\"x\":\"a\0\"}", 10, "not JSON", "a raw NUL inside");
}

static void test_size(void)
{
	static char text[RECORD_MAX + 1];

	memset(text, ' ', sizeof text);
	memcpy(text, HEAD TAIL, sizeof HEAD TAIL - 1);
	ok(record_read_winner(text, RECORD_MAX, &(struct winner){0}, &(struct fault){0}) == 0,
	   "the longest record");
	refuses_bytes(text, sizeof text, "longer than 65536 bytes", "a byte more");
	memset(text, '[', sizeof text);
	refuses_bytes(text, RECORD_MAX, "nested too deep", "the deepest nesting");
	for (size_t i = 0; i + 5 <= RECORD_MAX; i += 5)
		memcpy(text + i, "{\"a\":", 5);
	refuses_bytes(text, RECORD_MAX, "nested too deep", "... of objects");
}

/* Any bytes at all: each prefix, and each byte changed, is answered and never half believed. */
static void test_damage(void)
{
	static const char good[] = HEAD TAIL;
	char text[sizeof good];
	struct fault why;
	int believed = 0;

	for (size_t len = 0; len < sizeof good - 1; len++) {
		struct winner winner;

		believed += record_read_winner(good, len, &winner, &why) == 0;
	}
	is_int(believed, 0, "no prefix is believed");
	for (size_t at = 0; at < sizeof good - 1; at++) {
		for (int byte = 0; byte < 256; byte++) {
			struct winner winner = {0};

			memcpy(text, good, sizeof good);
			text[at] = (char)byte;
			if (record_read_winner(text, sizeof good - 1, &winner, &why) == 0)
				believed += name_person_fault(winner.user, strlen(winner.user)) ||
					    winner.ticket < 1;
		}
	}
	is_int(believed, 0, "no changed byte makes an illegal winner");
}

/* A blank before it, and it is not read as it was written: what the parser alone makes of it. */
static bool reads_alike(const char *text, size_t len)
{
	char blank[512] = " ";
	struct winner plain = {0}, parsed = {0};
	struct fault why, parser;
	int read = record_read_winner(text, len, &plain, &why);

	memcpy(blank + 1, text, len);
	if (read != record_read_winner(blank, len + 1, &parsed, &parser))
		return false;
	if (read < 0)
		return strcmp(why.line, parser.line) == 0;
	return strcmp(plain.event, parsed.event) == 0 && strcmp(plain.id, parsed.id) == 0 &&
	       strcmp(plain.user, parsed.user) == 0 && plain.ticket == parsed.ticket &&
	       plain.joined_us == parsed.joined_us && plain.granted_us == parsed.granted_us &&
	       plain.replays == parsed.replays;
}

/* Each byte changed, one more in each place, and one less. */
static void test_plain(void)
{
	static const char good[] = HEAD TAIL;
	const size_t len = sizeof good - 1;
	char text[sizeof good + 1];
	int unlike = !reads_alike(good, len);

	for (size_t at = 0; at <= len; at++) {
		for (int byte = 0; byte < 256; byte++) {
			memcpy(text, good, at);
			text[at] = (char)byte;
			memcpy(text + at + 1, good + at, len - at);
			unlike += !reads_alike(text, len + 1);
			if (at < len)
				memcpy(text + at + 1, good + at + 1, len - at - 1);
			unlike += at < len && !reads_alike(text, len);
		}
		memmove(text + at, text + at + 1, at < len ? len - at - 1 : 0);
		unlike += at < len && !reads_alike(text, len - 1);
	}
	is_int(unlike, 0, "a record reads the same as it was written and as JSON");
}

/* That it was rebuilt goes along in each progress; most events never were. */
static void test_progress(void)
{
	const struct progress never = {.requests = 3, .winners = 2, .seq = 1};
	struct progress once = never, got;
	struct buffer text = {0};
	struct fault why;

	record_progress(&text, "e", ID, &never);
	ok(!memmem(text.bytes, text.len, "rebuilt", 7), "never rebuilt: no word of it");
	ok(record_read_progress(text.bytes, text.len, ID, &got, &why) == 0 && got.rebuilt_us == 0,
	   "... and so it is read");
	buffer_clear(&text);
	once.rebuilt_us = 1795512345678901;
	record_progress(&text, "e", ID, &once);
	ok(record_read_progress(text.bytes, text.len, ID, &got, &why) == 0 &&
		   memcmp(&got, &once, sizeof got) == 0,
	   "rebuilt: all of it comes back");
	buffer_release(&text);
}

static void test_creation(void)
{
	static const char log[] =
		"{\"type\":\"log\",\"event\":\"e\",\"id\":\"0b6a2d5e-5f1a-4c3e-9d2b-7a1c0e8f4d21\","
		"\"at_us\":7,\"what\":\"create\"}";
	struct creation creation;
	char other[sizeof log];

	ok(record_read_creation(log, sizeof log - 1, &creation) && creation.at_us == 7,
	   "a creation");
	strcpy(other, log);
	memcpy(strstr(other, "create"), "creatE", 6);
	ok(!record_read_creation(other, sizeof other - 1, &creation), "another decision is none");
	ok(!record_read_creation(log, sizeof log - 2, &creation), "nor is half a record");
}

int main(void)
{
	test_progress();
	test_creation();
	test_write();
	test_round_trip();
	test_accepted();
	test_fields();
	test_numbers();
	test_not_json();
	test_size();
	test_damage();
	test_plain();
	return done_testing();
}
