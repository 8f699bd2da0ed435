#include "buffer.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256 };

size_t int_digits(char out[INT_DIGITS], int64_t value)
{
	static const char PAIRS[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	char digits[INT_DIGITS];
	char *end = digits + sizeof digits - 1, *p = end;
	/* negated as unsigned: INT64_MIN has no positive twin */
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	*end = '\0';
	for (; rest >= 10; rest /= 100)
		p = memcpy(p - 2, PAIRS + 2 * (rest % 100), 2);
	if (rest || p == end)
		*--p = (char)('0' + rest);
	if (value < 0)
		*--p = '-';
	memcpy(out, p, (size_t)(end - p) + 1);
	return (size_t)(end - p);
}

bool buffer_grow(struct buffer *buffer, size_t len)
{
	size_t capacity = buffer->capacity ? buffer->capacity : FIRST_CAPACITY;
	char *bytes;

	if (buffer->failed)
		return false;
	if (len > SIZE_MAX / 2 - buffer->len) {
		buffer->failed = true;
		return false;
	}
	while (capacity < buffer->len + len)
		capacity *= 2;
	bytes = realloc(buffer->bytes, capacity);
	if (!bytes) {
		buffer->failed = true;
		return false;
	}
	buffer->bytes = bytes;
	buffer->capacity = capacity;
	return true;
}

void buffer_text(struct buffer *buffer, const char *text)
{
	buffer_add(buffer, text, strlen(text));
}

void buffer_int(struct buffer *buffer, int64_t value)
{
	char digits[INT_DIGITS];
	size_t len = int_digits(digits, value);

	buffer_add(buffer, digits, len);
}

void buffer_clear(struct buffer *buffer)
{
	buffer->len = 0;
}

void buffer_cut(struct buffer *buffer, size_t len)
{
	if (buffer->len > len)
		buffer->len = len;
}

void buffer_release(struct buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct buffer){0};
}
