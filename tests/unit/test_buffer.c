#include "buffer.h"
#include "tap.h"

#include <locale.h>
#include <math.h>

static void test_add(void)
{
	struct buffer buffer = {0};
	size_t capacity;
	bool same = true;

	buffer_add(&buffer, NULL, 0);
	ok(!buffer.failed && buffer.len == 0, "nothing added to nothing");
	buffer_add(&buffer, "a\0b", 3);
	buffer_text(&buffer, "cd");
	ok(buffer.len == 5 && memcmp(buffer.bytes, "a\0bcd", 5) == 0, "bytes and text");
	for (int i = 0; i < 100000; i++)
		buffer_text(&buffer, "0123456789");
	is_int((int64_t)buffer.len, 1000005, "a million bytes");
	for (size_t i = 5; i < buffer.len; i++)
		same = same && buffer.bytes[i] == "0123456789"[(i - 5) % 10];
	ok(same, "... survive growing");
	capacity = buffer.capacity;
	buffer_cut(&buffer, 6);
	ok(buffer.len == 6 && memcmp(buffer.bytes, "a\0bcd0", 6) == 0, "what is behind is cut");
	buffer_clear(&buffer);
	ok(buffer.len == 0 && buffer.capacity == capacity, "clear keeps the memory");
	buffer_release(&buffer);
	ok(!buffer.bytes && buffer.capacity == 0, "release makes it new");
	buffer_text(&buffer, "again");
	is_bytes(buffer.bytes, buffer.len, "again", "... and fit for use");
	buffer_release(&buffer);
	buffer_release(&buffer);
}

static void test_failure(void)
{
	struct buffer buffer = {0};

	buffer_text(&buffer, "kept");
	buffer_add(&buffer, "x", SIZE_MAX - 2);
	ok(buffer.failed, "more than memory holds fails");
	buffer_text(&buffer, "late");
	is_bytes(buffer.bytes, buffer.len, "kept", "later additions do nothing");
	buffer_clear(&buffer);
	buffer_text(&buffer, "late");
	ok(buffer.failed && buffer.len == 0, "clear does not forget a failure");
	buffer_release(&buffer);
	ok(!buffer.failed, "release does");
}

static void integer(int64_t value, const char *expected)
{
	struct buffer buffer = {0};

	buffer_int(&buffer, value);
	is_bytes(buffer.bytes, buffer.len, expected, expected);
	buffer_release(&buffer);
}

static void text(const char *bytes, size_t len, const char *expected, const char *name)
{
	struct buffer buffer = {0};

	json_begin(&buffer);
	json_text(&buffer, "t", bytes, len);
	json_end(&buffer);
	is_bytes(buffer.bytes, buffer.len, expected, name);
	buffer_release(&buffer);
}

static void test_text(void)
{
	text("", 0, "{\"t\":\"\"}", "empty text");
	text("{", 1, "{\"t\":\"{\"}", "a brace");
	text("a\"b\\c/d", 7, "{\"t\":\"a\\\"b\\\\c/d\"}", "quote, backslash, slash");
	text("\n\r\t\b", 4, "{\"t\":\"\\n\\r\\t\\u0008\"}", "control characters");
	text("a\0\x1f\x7f", 4, "{\"t\":\"a\\u0000\\u001f\x7f\"}", "NUL, US, DEL");
	text("\xea\xb9\x80", 3, "{\"t\":\"\xea\xb9\x80\"}", "UTF-8 stays");
}

/* Bytes are looked at eight at a time: each that is special, and its neighbours, at each place. */
static void test_text_at(void)
{
	static const unsigned char BYTES[] = {0x00, 0x1f, 0x20, 0x21, '"',  '#',  '[',
					      '\\', ']',  0x7f, 0x80, 0xa2, 0xdc, 0xff};
	bool right = true;

	for (size_t b = 0; b < sizeof BYTES; b++)
		for (size_t at = 0; at < 20; at++) {
			struct buffer buffer = {0};
			char bytes[20];
			bool special = BYTES[b] < 0x20 || BYTES[b] == '"' || BYTES[b] == '\\';
			size_t more = !special ? 0 : BYTES[b] < 0x20 ? 5 : 1;

			memset(bytes, 'a', sizeof bytes);
			bytes[at] = (char)BYTES[b];
			json_text(&buffer, "t", bytes, sizeof bytes);
			right = right && buffer.len == 6 + sizeof bytes + more &&
				memcmp(buffer.bytes + 5, bytes, at) == 0 &&
				(buffer.bytes[5 + at] == '\\') == special &&
				memcmp(buffer.bytes + 5 + at + more + 1, bytes + at + 1, 19 - at) ==
					0;
			buffer_release(&buffer);
		}
	ok(right, "each special byte at each place is escaped, and no other");
}

static void number(double value, const char *expected)
{
	struct buffer buffer = {0};

	json_number(&buffer, "n", value);
	ok(buffer.len >= 4, "a number's name and value");
	is_bytes(buffer.bytes + 4, buffer.len - 4, expected, expected);
	buffer_release(&buffer);
}

static void test_number(void)
{
	setlocale(LC_ALL, "de_DE.UTF-8"); /* where installed, its decimal point is a comma */
	number(0, "0.000");
	number(1.5, "1.500");
	number(-1.0625, "-1.063");
	number(0.9996, "1.000");
	number(-0.0001, "0.000");
	number(1234567.001, "1234567.001");
	number(1e14, "100000000000000.000");
	number(1e15, "1000000000000000");
	number(-1e300 * 1e10, "null");
	number(NAN, "null");
	number(-1e18, "-1000000000000000000");
}

static void test_object(void)
{
	struct buffer buffer = {0};

	json_begin(&buffer);
	json_end(&buffer);
	buffer_text(&buffer, "\n");
	json_begin(&buffer);
	json_none(&buffer, "a");
	json_int(&buffer, "b", -7);
	json_cstring(&buffer, "c", "{");
	json_text(&buffer, "d", "xyz", 2);
	json_number(&buffer, "e", 2.25);
	json_end(&buffer);
	is_bytes(buffer.bytes, buffer.len,
		 "{}\n{\"a\":null,\"b\":-7,\"c\":\"{\",\"d\":\"xy\",\"e\":2.250}",
		 "fields in the order of the calls, a comma between two");
	buffer_release(&buffer);
}

/* The examples of RFC 4648, section 10, and bytes that are no text. */
static void test_base64(void)
{
	struct buffer buffer = {0};

	json_begin(&buffer);
	json_base64(&buffer, "a", "", 0);
	json_base64(&buffer, "b", "f", 1);
	json_base64(&buffer, "c", "fo", 2);
	json_base64(&buffer, "d", "foo", 3);
	json_base64(&buffer, "e", "foobar", 6);
	json_base64(&buffer, "f", "\xff\xfe\0\xfb", 4);
	json_end(&buffer);
	is_bytes(buffer.bytes, buffer.len,
		 "{\"a\":\"\",\"b\":\"Zg==\",\"c\":\"Zm8=\",\"d\":\"Zm9v\",\"e\":\"Zm9vYmFy\","
		 "\"f\":\"//4A+w==\"}",
		 "bytes as base64");
	buffer_release(&buffer);
}

int main(void)
{
	test_add();
	test_failure();
	integer(0, "0");
	integer(9, "9");
	integer(10, "10");
	integer(-1, "-1");
	integer(INT64_MAX, "9223372036854775807");
	integer(INT64_MIN, "-9223372036854775808");
	test_text();
	test_text_at();
	test_number();
	test_object();
	test_base64();
	return done_testing();
}
