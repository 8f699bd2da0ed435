#include "name.h"
#include "tap.h"

static const char *fault_of(const char *name)
{
	return name_person_fault(name, strlen(name));
}

static void test_event(void)
{
	char longest[EVENT_MAX + 2];

	memset(longest, 'a', sizeof longest);
	ok(name_is_event("A-z_0.9", 7), "every kind of character in an event's name");
	ok(name_is_event(longest, EVENT_MAX), "64 characters");
	ok(!name_is_event(longest, EVENT_MAX + 1), "65 characters");
	ok(!name_is_event("", 0), "an event without a name");
	ok(!name_is_event("a b", 3) && !name_is_event("a/b", 3) && !name_is_event("a{b", 3) &&
		   !name_is_event("a:b", 3) && !name_is_event("a\n", 2) && !name_is_event("a", 2),
	   "other characters in an event's name, NUL among them");
	ok(!name_is_event("\xc3\xa9", 2), "an event's name outside ASCII");
}

static void test_uuid(void)
{
	static const char id[] = "0f8fad5b-d9cb-469f-a165-70867728950e";

	ok(name_is_uuid(id, UUID_LEN), "a UUID");
	ok(!name_is_uuid(id, UUID_LEN - 1), "a UUID cut short");
	ok(!name_is_uuid("0F8fad5b-d9cb-469f-a165-70867728950e", UUID_LEN), "upper case");
	ok(!name_is_uuid("0f8fad5bd-9cb-469f-a165-70867728950e", UUID_LEN), "a dash elsewhere");
	ok(!name_is_uuid("0f8fad5b-d9cb-469f-a165-70867728950g", UUID_LEN), "a letter beyond f");
}

static void test_length(void)
{
	char name[PERSON_MAX + 1];
	bool legal = true;

	memset(name, 'x', sizeof name);
	for (size_t len = 1; len <= PERSON_MAX; len++)
		legal = legal && !name_person_fault(name, len);
	ok(legal, "1 to 128 bytes");
	is_str(name_person_fault(name, 0), "empty", "0 bytes");
	is_str(name_person_fault(name, PERSON_MAX + 1), "longer than 128 bytes", "129 bytes");
}

/* The fast path reads eight bytes at once: an illegal byte must be seen at every place. */
static void test_every_byte_everywhere(void)
{
	char name[PERSON_MAX];
	int wrong = 0;

	for (size_t len = 1; len <= 40; len++) {
		memset(name, '~', sizeof name);
		for (size_t at = 0; at < len; at++) {
			for (int byte = 0; byte < 256; byte++) {
				bool legal = byte > 0x20 && byte < 0x7f;

				name[at] = (char)byte;
				wrong += !name_person_fault(name, len) != legal;
			}
			name[at] = '!';
		}
	}
	is_int(wrong, 0, "each byte at each place of names of 1 to 40 bytes");
}

static const char *const bad[] = {
	"\x80",
	"\xbf",
	"a\xc3",
	"\xc3(",
	"\xc0\xaf",
	"\xc1\xbf",
	"\xe0\x80\xaf",
	"\xe0\x9f\xbf",
	"\xf0\x80\x80\xaf",
	"\xf0\x8f\xbf\xbf",
	"\xed\xa0\x80",
	"\xed\xaf\xbf",
	"\xed\xb0\x80",
	"\xed\xbf\xbf",
	"\xf4\x90\x80\x80",
	"\xf5\x80\x80\x80",
	"\xf8\x88\x80\x80",
	"\xfe",
	"\xff",
	"\xe2\x82",
	"\xf0\x9f\x98",
	"\xe2\x28\xa1",
	"\xf0\x9f\x28\x80",
	"\xc2",
};

static const char *const good[] = {
	"\xc3\xa9",	    "\xe0\xa0\x80",
	"\xed\x9f\xbf",	    "\xee\x80\x80",
	"\xef\xbf\xbd",	    "\xf0\x90\x80\x80",
	"\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf",
	"\xea\xb9\x80",	    "a@b:c",
	"0f\xc3\xa9",	    "\xe2\x80\x8c",
	"\xe2\x80\x8d",	    "\xe2\x81\xa0",
	"\xe1\xa0\x8e", /* U+180E is no White_Space since Unicode 6.3 */
};

static void test_utf8(void)
{
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char name[64];

		snprintf(name, sizeof name, "malformed UTF-8, case %zu", i);
		is_str(fault_of(bad[i]), "not valid UTF-8", name);
	}
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		char name[64];

		snprintf(name, sizeof name, "legal characters, case %zu", i);
		is_str(fault_of(good[i]), NULL, name);
	}
}

static size_t encode(char out[4], uint32_t point)
{
	size_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = size - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (point & 0x3f));
		point >>= 6;
	}
	out[0] = (char)(lead[size] | point);
	return size;
}

/* Written apart from name.c's table: the sets as name.h lists them. */
static bool is_legal(uint32_t p)
{
	bool control = p < 0x20 || (p >= 0x7f && p <= 0x9f);
	bool space = p == 0x20 || p == 0x85 || p == 0xa0 || p == 0x1680 ||
		     (p >= 0x2000 && p <= 0x200a) || p == 0x2028 || p == 0x2029 || p == 0x202f ||
		     p == 0x205f || p == 0x3000;
	bool bidi = p == 0x61c || p == 0x200e || p == 0x200f || (p >= 0x202a && p <= 0x202e) ||
		    (p >= 0x2066 && p <= 0x2069);

	return !control && !space && !bidi && p != 0x200b && p != 0xfeff &&
	       (p < 0xd800 || p > 0xdfff) && p <= 0x10ffff;
}

static void test_every_character(void)
{
	int wrong = 0;
	int misread = 0;

	for (uint32_t point = 0; point < 0x200000; point++) {
		char bytes[4];
		size_t size = encode(bytes, point);
		uint32_t read = 0;
		bool valid = (point < 0xd800 || point > 0xdfff) && point <= 0x10ffff;

		wrong += !name_person_fault(bytes, size) != is_legal(point);
		misread += name_character(bytes, size, &read) != (valid ? size : 0) ||
			   (valid && read != point) || name_character(bytes, size - 1, &read) != 0;
	}
	is_int(wrong, 0, "every code point, legal or not");
	is_int(misread, 0, "every code point read back, and not when cut");
	is_str(fault_of("a\xc2\x85"), "has white space", "U+0085");
	is_str(fault_of("a\xc2\x9f"), "has a control character", "U+009F");
	is_str(fault_of("a\xe2\x80\xae"), "has a text direction mark", "U+202E");
	is_str(fault_of("a\xef\xbb\xbf"), "has an invisible character", "U+FEFF");
	is_str(fault_of("joe\r"), "has white space", "a CR before the LF");
}

static void show(const char *bytes, size_t len, const char *expected, const char *name)
{
	char out[NAME_SHOWN_MAX];
	size_t used = name_show(out, bytes, len);

	is_str(out, expected, name);
	ok(used == strlen(out), "... and its length");
}

static void test_show(void)
{
	char out[NAME_SHOWN_MAX];
	char long_name[300];

	show("kim\\\xea\xb9\x80", 7, "kim\\\xea\xb9\x80", "a legal name is shown raw");
	show("a b\\", 4, "a b\\x5C", "an illegal one with its backslash escaped");
	show("\x1b[2J\xea\xb9\x80", 7, "\\x1B[2J\\xEA\\xB9\\x80", "control and other bytes");
	show("a\0b", 3, "a\\x00b", "NUL");
	show("", 0, "", "nothing");
	memset(long_name, '\xff', sizeof long_name);
	is_int((int64_t)name_show(out, long_name, sizeof long_name), NAME_SHOWN_MAX - 1,
	       "at most 128 bytes are shown");
}

static void test_text(void)
{
	ok(name_is_text("", 0) && name_is_text("a\tb \xea\xb9\x80", 7),
	   "text is valid UTF-8, of any characters");
	ok(!name_is_text("a\0b", 3), "... but NUL");
	ok(!name_is_text("ab\xea\xb9", 4) && !name_is_text("\xff", 1),
	   "bytes that are none are no text");
}

int main(void)
{
	test_event();
	test_uuid();
	test_length();
	test_every_byte_everywhere();
	test_utf8();
	test_every_character();
	test_show();
	test_text();
	return done_testing();
}
