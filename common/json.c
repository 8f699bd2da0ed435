#include "buffer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* the largest double has 309 digits before the point */
enum { DOUBLE_TEXT = 320 };

static bool needs_escape(unsigned char byte)
{
	return byte < 0x20 || byte == '"' || byte == '\\';
}

/* Does any of eight bytes, perhaps? A byte below n shows in the high bit of (byte - n), unless it was there before;
 * what is borrowed from the next byte may show, too. */
static bool eight_may_need_escape(const char *text)
{
	const uint64_t ones = UINT64_MAX / 0xff;
	uint64_t eight;

	memcpy(&eight, text, sizeof eight);
	return ((eight - ones * 0x20) | ((eight ^ ones * '"') - ones) |
		((eight ^ ones * '\\') - ones)) &
	       ~eight & ones * 0x80;
}

/* How many bytes may be written as they are. */
static size_t clean_length(const char *text, size_t len)
{
	size_t clean = 0;

	while (len - clean >= 8 && !eight_may_need_escape(text + clean))
		clean += 8;
	while (clean < len && !needs_escape((unsigned char)text[clean]))
		clean++;
	return clean;
}

static void add_escape(struct buffer *buffer, unsigned char byte)
{
	static const char hex[] = "0123456789abcdef";
	char code[] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};

	switch (byte) {
	case '"':
		buffer_add(buffer, "\\\"", 2);
		break;
	case '\\':
		buffer_add(buffer, "\\\\", 2);
		break;
	case '\n':
		buffer_add(buffer, "\\n", 2);
		break;
	case '\r':
		buffer_add(buffer, "\\r", 2);
		break;
	case '\t':
		buffer_add(buffer, "\\t", 2);
		break;
	default:
		buffer_add(buffer, code, sizeof code);
	}
}

static void add_quoted(struct buffer *buffer, const char *text, size_t len)
{
	buffer_add(buffer, "\"", 1);
	for (size_t clean = clean_length(text, len); clean < len; clean = clean_length(text, len)) {
		buffer_add(buffer, text, clean);
		add_escape(buffer, (unsigned char)text[clean]);
		text += clean + 1;
		len -= clean + 1;
	}
	buffer_add(buffer, text, len);
	buffer_add(buffer, "\"", 1);
}

/* No value ends in '{', so a '{' at the end means that this field is the first. */
static void add_name(struct buffer *buffer, const char *name)
{
	if (buffer->len > 0 && buffer->bytes[buffer->len - 1] != '{')
		buffer_add(buffer, ",", 1);
	buffer_add(buffer, "\"", 1);
	buffer_text(buffer, name);
	buffer_add(buffer, "\":", 2);
}

void json_begin(struct buffer *buffer)
{
	buffer_add(buffer, "{", 1);
}

void json_text(struct buffer *buffer, const char *name, const char *text, size_t len)
{
	add_name(buffer, name);
	add_quoted(buffer, text, len);
}

void json_cstring(struct buffer *buffer, const char *name, const char *text)
{
	json_text(buffer, name, text, strlen(text));
}

void json_base64(struct buffer *buffer, const char *name, const void *bytes, size_t len)
{
	static const char DIGITS[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
	const unsigned char *from = bytes;

	add_name(buffer, name);
	buffer_add(buffer, "\"", 1);
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t three = (uint32_t)from[i] << 16 | (left > 1 ? from[i + 1] : 0U) << 8 |
				 (left > 2 ? from[i + 2] : 0U);
		const char four[] = {DIGITS[three >> 18], DIGITS[three >> 12 & 63],
				     DIGITS[left > 1 ? three >> 6 & 63 : 64],
				     DIGITS[left > 2 ? three & 63 : 64]};

		buffer_add(buffer, four, sizeof four);
	}
	buffer_add(buffer, "\"", 1);
}

void json_raw(struct buffer *buffer, const char *name, const char *json)
{
	add_name(buffer, name);
	buffer_text(buffer, json);
}

void json_int(struct buffer *buffer, const char *name, int64_t value)
{
	add_name(buffer, name);
	buffer_int(buffer, value);
}

/* By hand, as printf's decimal point depends on the locale. */
static void add_thousandths(struct buffer *buffer, double value)
{
	double size = fabs(value) * 1000 + 0.5;
	int64_t thousandths = (int64_t)size;
	int rest = (int)(thousandths % 1000);
	char fraction[] = {'.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10),
			   (char)('0' + rest % 10)};

	if (value < 0 && thousandths > 0)
		buffer_add(buffer, "-", 1);
	buffer_int(buffer, thousandths / 1000);
	buffer_add(buffer, fraction, sizeof fraction);
}

void json_number(struct buffer *buffer, const char *name, double value)
{
	char text[DOUBLE_TEXT];

	if (!isfinite(value)) {
		json_none(buffer, name);
		return;
	}
	add_name(buffer, name);
	if (fabs(value) < 1e15) {
		add_thousandths(buffer, value);
		return;
	}
	snprintf(text, sizeof text, "%.0f", value);
	buffer_text(buffer, text);
}

void json_none(struct buffer *buffer, const char *name)
{
	add_name(buffer, name);
	buffer_add(buffer, "null", 4);
}

void json_end(struct buffer *buffer)
{
	buffer_add(buffer, "}", 1);
}
