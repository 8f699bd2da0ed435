#include "name.h"

#include <string.h>

static const char NOT_UTF8[] = "not valid UTF-8";

bool name_is_event(const char *name, size_t len)
{
	if (len < 1 || len > EVENT_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '.' || c == '_' || c == '-'))
			return false;
	}
	return true;
}

bool name_is_uuid(const char *text, size_t len)
{
	if (len != UUID_LEN)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return true;
}

/* Smallest code point that needs so many bytes (RFC 3629, section 3): less is overlong. */
static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

size_t name_character(const char *bytes, size_t len, uint32_t *point)
{
	unsigned char first = len ? (unsigned char)bytes[0] : 0xff;
	size_t size = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t value;

	if (size == 0 || size > len || first >= 0xf8)
		return 0;
	value = size == 1 ? first : first & (0x7fu >> size);
	for (size_t i = 1; i < size; i++) {
		unsigned char byte = (unsigned char)bytes[i];

		if ((byte & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (byte & 0x3f);
	}
	if (value < smallest[size] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*point = value;
	return size;
}

bool name_is_text(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t point;
		size_t size = (unsigned char)bytes[i] < 0x80
				      ? bytes[i] != '\0'
				      : name_character(bytes + i, len - i, &point);

		if (size == 0)
			return false;
		i += size;
	}
	return true;
}

static const struct {
	uint32_t first;
	uint32_t last;
	const char *why;
} forbidden[] = {
	{0x0000, 0x0008, "has a control character"},
	{0x0009, 0x000d, "has white space"},
	{0x000e, 0x001f, "has a control character"},
	{0x0020, 0x0020, "has white space"},
	{0x007f, 0x0084, "has a control character"},
	{0x0085, 0x0085, "has white space"},
	{0x0086, 0x009f, "has a control character"},
	{0x00a0, 0x00a0, "has white space"},
	{0x061c, 0x061c, "has a text direction mark"},
	{0x1680, 0x1680, "has white space"},
	{0x2000, 0x200a, "has white space"},
	{0x200b, 0x200b, "has an invisible character"},
	{0x200e, 0x200f, "has a text direction mark"},
	{0x2028, 0x2029, "has white space"},
	{0x202a, 0x202e, "has a text direction mark"},
	{0x202f, 0x202f, "has white space"},
	{0x205f, 0x205f, "has white space"},
	{0x2066, 0x2069, "has a text direction mark"},
	{0x3000, 0x3000, "has white space"},
	{0xfeff, 0xfeff, "has an invisible character"},
};

static const char *point_fault(uint32_t point)
{
	for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
		if (point < forbidden[i].first)
			return NULL;
		if (point <= forbidden[i].last)
			return forbidden[i].why;
	}
	return NULL;
}

/* May a terminal be given it raw? Not controls, text direction marks, what is invisible, and no white
 * space but the blank. */
static bool is_plain(uint32_t point)
{
	return point == ' ' || !point_fault(point);
}

#define EVERY_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/* Eight bytes at once: bit 7 of each sum tells b >= 0x21 and b == 0x7f. Sums carry into the next
 * byte only where some b >= 0x80, and then the answer is no anyway. */
static bool eight_are_graphic(const char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof word);
	return (((word + EVERY_BYTE(0x5f)) & ~(word + EVERY_BYTE(0x01)) & ~word) &
		EVERY_BYTE(0x80)) == EVERY_BYTE(0x80);
}

/* The usual case: all bytes in 0x21-0x7E. The last eight may overlap those before. */
static bool all_graphic(const char *bytes, size_t len)
{
	if (len < 8) {
		for (size_t i = 0; i < len; i++) {
			if (bytes[i] < 0x21 || bytes[i] > 0x7e)
				return false;
		}
		return true;
	}
	for (size_t i = 0; i + 8 < len; i += 8) {
		if (!eight_are_graphic(bytes + i))
			return false;
	}
	return eight_are_graphic(bytes + len - 8);
}

const char *name_person_fault(const char *bytes, size_t len)
{
	size_t size;
	uint32_t point;

	if (len == 0)
		return "empty";
	if (len > PERSON_MAX)
		return "longer than 128 bytes";
	if (all_graphic(bytes, len))
		return NULL;
	for (size_t i = 0; i < len; i += size) {
		const char *why;

		size = name_character(bytes + i, len - i, &point);
		why = size ? point_fault(point) : NOT_UTF8;
		if (why)
			return why;
	}
	return NULL;
}

enum { SHOWN_BYTE = 4 };

static size_t show_byte(char *out, char byte)
{
	static const char hex[] = "0123456789ABCDEF";
	const char shown[SHOWN_BYTE] = {'\\', 'x', hex[(unsigned char)byte >> 4], hex[byte & 15]};

	memcpy(out, shown, sizeof shown);
	return sizeof shown;
}

size_t name_show(char out[NAME_SHOWN_MAX], const char *bytes, size_t len)
{
	bool legal = !name_person_fault(bytes, len);
	size_t used = 0;

	for (size_t i = 0; i < len && i < PERSON_MAX; i++) {
		if (legal || (bytes[i] >= 0x20 && bytes[i] <= 0x7e && bytes[i] != '\\'))
			out[used++] = bytes[i];
		else
			used += show_byte(out + used, bytes[i]);
	}
	out[used] = '\0';
	return used;
}

size_t name_show_text(char *out, size_t size, const char *bytes, size_t len)
{
	size_t used = 0, width;

	for (size_t i = 0; i < len; i += width) {
		uint32_t point;
		bool plain;

		width = name_character(bytes + i, len - i, &point);
		plain = width > 0 && is_plain(point);
		if (used + (plain ? width : SHOWN_BYTE) >= size)
			break;
		if (plain) {
			memcpy(out + used, bytes + i, width);
			used += width;
		} else {
			width = 1;
			used += show_byte(out + used, bytes[i]);
		}
	}
	out[used] = '\0';
	return used;
}
