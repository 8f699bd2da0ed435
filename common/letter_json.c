/*
 * letter_json.c - dead letters in a file, and which of a topic's were replayed, as JSON.
 */
#include "letter.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* A value of RECORD_MAX bytes, each of them escaped, and room for the rest. */
enum { LINE_MAX_BYTES = 8 * RECORD_MAX };

/* What the parser says quotes the input, so it is not passed on. */
static json_t *load(const char *bytes, size_t len)
{
	json_t *object = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(object))
		return object;
	json_decref(object);
	return NULL;
}

/* --- a line of --dead-letters ----------------------------------------------------------------- */

static void show(char *out, size_t size, const json_t *object, const char *name)
{
	const json_t *text = json_object_get(object, name);

	name_show_text(out, size, json_string_value(text), json_string_length(text));
}

static int64_t number(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_integer(value) && json_integer_value(value) >= 0 ? json_integer_value(value)
									: -1;
}

int letter_read_line(struct letter *letter, const char *bytes, size_t len, struct fault *why)
{
	json_t *object = len <= LINE_MAX_BYTES ? load(bytes, len) : NULL;
	const char *type = json_string_value(json_object_get(object, "type"));
	const json_t *value = json_object_get(object, "value");

	*letter = (struct letter){.partition = -1, .offset = -1};
	if (!type || strcmp(type, "dead") != 0) {
		json_decref(object);
		return fault_set(why, EX_DATAERR, "not a dead letter: %s",
				 object ? "field 'type' is not 'dead'" : "not a JSON object");
	}
	show(letter->kind, sizeof letter->kind, object, "error_class");
	show(letter->message, sizeof letter->message, object, "error_message");
	show(letter->run, sizeof letter->run, object, "run");
	letter->failed_us = number(object, "last_failure_us");
	letter->attempts = number(object, "attempts");
	letter->replays = number(object, "replays");
	letter_read_record(letter, json_string_value(value), json_string_length(value));
	letter_sort(letter, letter->winner.ticket > 0);
	json_decref(object);
	return 0;
}

/* --- which were replayed ---------------------------------------------------------------------- */

void redriven_json(struct buffer *buffer, const struct redriven *r)
{
	char hex[2 * sizeof r->bits + 1] = "";
	size_t len = sizeof r->bits;

	while (len > 0 && !r->bits[len - 1])
		len--;
	for (size_t i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", r->bits[i]);
	json_begin(buffer);
	json_cstring(buffer, "type", "redriven");
	json_int(buffer, "partition", r->partition);
	json_int(buffer, "block", r->block);
	json_int(buffer, "newest_ms", r->newest_ms);
	json_cstring(buffer, "letters", hex);
	json_end(buffer);
}

static bool read_bits(struct redriven *r, const char *hex)
{
	size_t len = strlen(hex);

	if (len % 2 || len > 2 * sizeof r->bits || strspn(hex, "0123456789abcdef") != len)
		return false;
	for (size_t i = 0; i < len / 2; i++)
		sscanf(hex + 2 * i, "%2hhx", &r->bits[i]);
	return true;
}

int redriven_read(struct redriven *r, const char *json, size_t len, struct fault *why)
{
	json_t *object = load(json, len);
	const char *type, *hex;
	json_int_t partition, block, newest_ms;
	bool sound =
		json_unpack(object, "{s:s,s:I,s:I,s:I,s:s}", "type", &type, "partition", &partition,
			    "block", &block, "newest_ms", &newest_ms, "letters", &hex) == 0;

	*r = (struct redriven){0};
	if (sound) {
		r->partition = (int32_t)partition;
		r->block = block;
		r->newest_ms = newest_ms;
		sound = strcmp(type, "redriven") == 0 && read_bits(r, hex);
	}
	json_decref(object);
	return sound ? 0
		     : fault_set(why, EX_PROTOCOL,
				 "a record of what was redriven is not ours: it says nothing of "
				 "dead letters");
}
