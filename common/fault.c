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

	why->status = status;
	why->no_event = false;
	why->unconfirmed = false;
	vsnprintf(raw, sizeof raw, format, args);
	name_show_text(why->line, sizeof why->line, raw, strlen(raw));
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
