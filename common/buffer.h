/*
 * buffer.h - bytes that grow, and JSON written into them.
 *
 * Running out of memory is sticky: `failed` is set, later additions do nothing, and whoever
 * sends the bytes checks it once. init with `= {0}`; buffer_release() frees and makes it new;
 * buffer_clear() leaves `failed` as it is. The bytes are not NUL-terminated.
 */
#ifndef FCFS_BUFFER_H
#define FCFS_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buffer {
	char *bytes;
	size_t len;
	size_t capacity;
	bool failed;
};

/* Decimal, NUL-terminated: what printf's PRId64 says, in a tenth of its time. Returns the length. */
enum { INT_DIGITS = 21 };
size_t int_digits(char out[INT_DIGITS], int64_t value);

/* Makes room for so many bytes; false: it has failed. */
bool buffer_grow(struct buffer *, size_t len);

/* Inline: most additions are a byte or two, which the compiler knows. */
static inline void buffer_add(struct buffer *buffer, const void *bytes, size_t len)
{
	bool fits = !buffer->failed && len <= buffer->capacity - buffer->len;

	if (len == 0 || (!fits && !buffer_grow(buffer, len)))
		return;
	memcpy(buffer->bytes + buffer->len, bytes, len);
	buffer->len += len;
}

void buffer_text(struct buffer *, const char *text); /* up to its NUL */
void buffer_int(struct buffer *, int64_t value);     /* decimal */
void buffer_clear(struct buffer *);		     /* forgets the bytes, keeps the memory */
void buffer_cut(struct buffer *, size_t len);	     /* forgets those behind the first `len` */
void buffer_release(struct buffer *);

/*
 * One JSON object, its fields in the order of the calls:
 *   json_begin, json_text | json_int | json_none ..., json_end.
 * Text must be valid UTF-8; '"', '\' and C0 are escaped (RFC 8259, section 7). Fields' names are
 * literals, written as they are. A number has three decimals, and is null where it is not finite.
 * json_end adds no newline. The calls keep clear of jansson's json_string() and json_null(), which
 * a program links too.
 */
void json_begin(struct buffer *);
void json_text(struct buffer *, const char *name, const char *text, size_t len);
void json_cstring(struct buffer *, const char *name, const char *text); /* up to its NUL */
void json_base64(struct buffer *, const char *name, const void *bytes, size_t len); /* RFC 4648 */
void json_raw(struct buffer *, const char *name, const char *json); /* one, as it is */
void json_int(struct buffer *, const char *name, int64_t value);
void json_number(struct buffer *, const char *name, double value);
void json_none(struct buffer *, const char *name);
void json_end(struct buffer *);

#endif
