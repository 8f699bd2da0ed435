#include "fault.h"

#include "name.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void fill(struct fault *why, int status, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

static void fill(struct fault *why, int status, const char *format, va_list args)
{
	char raw[sizeof why->line];
	size_t used = 0, len, size;

	why->status = status;
	why->no_event = false;
	vsnprintf(raw, sizeof raw, format, args);
	len = strlen(raw);
	for (size_t i = 0; i < len && used + 5 < sizeof why->line; i += size) {
		uint32_t point;

		size = name_character(raw + i, len - i, &point);
		if (size > 0 && name_point_is_plain(point)) {
			memcpy(why->line + used, raw + i, size);
			used += size;
			continue;
		}
		size = 1;
		used += (size_t)snprintf(why->line + used, 5, "\\x%02X", (unsigned char)raw[i]);
	}
	why->line[used] = '\0';
}

int fault_set(struct fault *why, int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(why, status, format, args);
	va_end(args);
	return -1;
}

int fault_errno(struct fault *why, int status, const char *format, ...)
{
	const char *reason = strerror(errno);
	size_t used;
	va_list args;

	va_start(args, format);
	fill(why, status, format, args);
	va_end(args);
	used = strlen(why->line);
	snprintf(why->line + used, sizeof why->line - used, ": %s", reason);
	return -1;
}
