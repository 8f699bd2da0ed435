#include "archive_record.h"

#include "code.h"
#include "record_json.h"

#include <stdio.h>
#include <string.h>

enum { VERSION = 1 };

static const char HEX[] = "0123456789abcdef";

#define TEXT(name)                                                                                 \
	{                                                                                          \
		(name), false, false                                                               \
	}
#define TEXT_OR_NONE(name)                                                                         \
	{                                                                                          \
		(name), false, true                                                                \
	}
#define NUMBER(name)                                                                               \
	{                                                                                          \
		(name), true, false                                                                \
	}
#define NUMBER_OR_NONE(name)                                                                       \
	{                                                                                          \
		(name), true, true                                                                 \
	}

const struct archive_shape archive_shapes[ARCHIVE_SECTIONS] = {
	[ARCHIVE_FIELDS] = {"field", "event", {TEXT("name"), TEXT("value")}, 2},
	[ARCHIVE_PASSING] = {"passing", "passing", {TEXT("name"), TEXT("value")}, 2},
	[ARCHIVE_PEOPLE] = {"person",
			    "line",
			    {TEXT("user"), NUMBER("joined_us"), NUMBER_OR_NONE("granted_us"),
			     TEXT_OR_NONE("left"), TEXT_OR_NONE("issued"), TEXT_OR_NONE("pending")},
			    6},
	[ARCHIVE_OUTBOX] = {"log", "outbox", {TEXT("value")}, 1},
	[ARCHIVE_CODES] = {"code", "codes", {TEXT("code")}, 1},
	[ARCHIVE_LOADED] = {"loaded", "loaded", {TEXT("code"), TEXT("mark")}, 2},
	[ARCHIVE_RUNS] = {"run", "runs", {TEXT("value")}, 1},
};

static const char *const COUNTS[ARCHIVE_COUNTS] = {"fields", "passing", "people",  "left",
						   "grants", "issued",	"pending", "outbox",
						   "codes",  "loaded",	"runs"};

const char *archive_count_name(enum archive_count count)
{
	return COUNTS[count];
}

/* --- writing ---------------------------------------------------------------------------------- */

static const char *hex_name(char out[32], const char *name)
{
	snprintf(out, 32, "%s_hex", name);
	return out;
}

static void write_text(struct buffer *line, const char *name, const char *text, size_t len)
{
	struct buffer digits = {0};
	char other[32];

	if (name_is_text(text, len)) {
		json_text(line, name, text, len);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];

		buffer_add(&digits, &HEX[byte >> 4], 1);
		buffer_add(&digits, &HEX[byte & 15], 1);
	}
	json_text(line, hex_name(other, name), digits.bytes, digits.len);
	line->failed |= digits.failed;
	buffer_release(&digits);
}

void archive_write_head(struct buffer *line, const struct archive_head *head)
{
	json_begin(line);
	json_cstring(line, "type", "archive");
	json_int(line, "v", VERSION);
	json_cstring(line, "event", head->event);
	json_cstring(line, "id", head->id);
	json_int(line, "saved_us", head->saved_us);
	json_end(line);
}

void archive_write_entry(struct buffer *line, const struct archive_entry *entry)
{
	const struct archive_shape *shape = &archive_shapes[entry->section];

	json_begin(line);
	json_cstring(line, "type", shape->type);
	if (entry->section == ARCHIVE_PEOPLE)
		json_int(line, "ticket", entry->number);
	for (size_t i = 0; i < shape->columns; i++) {
		const struct archive_column *column = &shape->column[i];
		const struct archive_cell *cell = &entry->cell[i];

		if (column->optional && cell->number == 0 && cell->len == 0)
			continue;
		if (column->number)
			json_int(line, column->name, cell->number);
		else
			write_text(line, column->name, cell->text, cell->len);
	}
	json_end(line);
}

void archive_write_end(struct buffer *line, const int64_t count[ARCHIVE_COUNTS], const char *digest)
{
	json_begin(line);
	json_cstring(line, "type", "end");
	for (size_t i = 0; i < ARCHIVE_COUNTS; i++)
		json_int(line, COUNTS[i], count[i]);
	json_cstring(line, "digest", digest);
	json_end(line);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Fields taken out of an object, which must be all it has. */
struct taking {
	const json_t *object;
	size_t taken;
};

static const json_t *take(struct taking *t, const char *name)
{
	const json_t *value = json_object_get(t->object, name);

	t->taken += value != NULL;
	return value;
}

static int take_number(struct taking *t, const char *name, bool optional, int64_t *out,
		       struct fault *why)
{
	const json_t *value = take(t, name);

	*out = 0;
	if (!value && optional)
		return 0;
	if (!value)
		return fault_set(why, EX_DATAERR, "field '%s' is missing", name);
	if (!json_is_integer(value))
		return fault_set(why, EX_DATAERR, "field '%s' is not an integer", name);
	*out = json_integer_value(value);
	if (*out < optional)
		return fault_set(why, EX_DATAERR, "field '%s' is below %d", name, optional);
	return 0;
}

static int hex_digit(char digit)
{
	const char *at = digit ? strchr(HEX, digit) : NULL;

	return at ? (int)(at - HEX) : -1;
}

/* With a NUL behind it, as any other cell has. */
static bool decode(struct buffer *out, const char *digits, size_t len)
{
	buffer_clear(out);
	for (size_t i = 0; i + 1 < len; i += 2) {
		int high = hex_digit(digits[i]), low = hex_digit(digits[i + 1]);
		char byte = (char)(high * 16 + low);

		if (high < 0 || low < 0)
			return false;
		buffer_add(out, &byte, 1);
	}
	buffer_add(out, "", 1);
	return len % 2 == 0 && len > 0 && !out->failed;
}

/* What is not there as it is may be there in hex. */
static int take_other(struct taking *t, const struct archive_column *column, struct buffer *decoded,
		      struct archive_cell *cell, struct fault *why)
{
	char name[32];
	const json_t *hex = take(t, hex_name(name, column->name));

	if (!hex && !column->optional)
		return fault_set(why, EX_DATAERR, "field '%s' is missing", column->name);
	if (!hex)
		return 0;
	if (!json_is_string(hex) ||
	    !decode(decoded, json_string_value(hex), json_string_length(hex)))
		return fault_set(why, EX_DATAERR, "field '%s' is not in hex", name);
	cell->text = decoded->bytes;
	cell->len = decoded->len - 1;
	return 0;
}

/* One that is optional is never empty. */
static int take_text(struct taking *t, const struct archive_column *column, struct buffer *decoded,
		     struct archive_cell *cell, struct fault *why)
{
	const json_t *plain = take(t, column->name);

	*cell = (struct archive_cell){.text = ""};
	if (!plain && column->optional && t->taken == json_object_size(t->object))
		return 0;
	if (!plain)
		return take_other(t, column, decoded, cell, why);
	if (!json_is_string(plain))
		return fault_set(why, EX_DATAERR, "field '%s' is not a string", column->name);
	cell->text = json_string_value(plain);
	cell->len = json_string_length(plain);
	if (column->optional && cell->len == 0)
		return fault_set(why, EX_DATAERR, "field '%s' is empty", column->name);
	return 0;
}

static int take_name(struct taking *t, const char *name, bool (*check)(const char *, size_t),
		     char *out, size_t size, struct fault *why)
{
	const json_t *value = take(t, name);
	const char *text = json_string_value(value);

	if (!text || !check(text, json_string_length(value)))
		return fault_set(why, EX_DATAERR, "field '%s' is %s", name,
				 value ? "not what it should be" : "missing");
	snprintf(out, size, "%s", text);
	return 0;
}

static int read_head(struct taking *t, struct archive_line *line, struct fault *why)
{
	struct archive_head *head = &line->head;
	int64_t version;

	line->kind = ARCHIVE_HEAD;
	if (take_number(t, "v", false, &version, why) < 0)
		return -1;
	if (version != VERSION)
		return fault_set(why, EX_DATAERR, "version %lld, ours is %d: of a newer fcfs?",
				 (long long)version, VERSION);
	if (take_name(t, "event", name_is_event, head->event, sizeof head->event, why) < 0 ||
	    take_name(t, "id", name_is_uuid, head->id, sizeof head->id, why) < 0)
		return -1;
	return take_number(t, "saved_us", false, &head->saved_us, why);
}

static int read_end(struct taking *t, struct archive_line *line, struct fault *why)
{
	line->kind = ARCHIVE_END;
	for (size_t i = 0; i < ARCHIVE_COUNTS; i++)
		if (take_number(t, COUNTS[i], false, &line->count[i], why) < 0)
			return -1;
	return take_name(t, "digest", name_is_uuid, line->digest, sizeof line->digest, why);
}

static int read_entry(struct taking *t, struct archive_line *line, enum archive_section section,
		      struct fault *why)
{
	const struct archive_shape *shape = &archive_shapes[section];
	struct archive_entry *entry = &line->entry;

	line->kind = ARCHIVE_ENTRY;
	*entry = (struct archive_entry){.section = section};
	if (section == ARCHIVE_PEOPLE && take_number(t, "ticket", false, &entry->number, why) < 0)
		return -1;
	for (size_t i = 0; i < shape->columns; i++) {
		const struct archive_column *c = &shape->column[i];
		struct archive_cell *cell = &entry->cell[i];

		*cell = (struct archive_cell){0};
		if ((c->number ? take_number(t, c->name, c->optional, &cell->number, why)
			       : take_text(t, c, &line->decoded[i], cell, why)) < 0)
			return -1;
	}
	return 0;
}

static int read_kind(struct taking *t, const char *type, struct archive_line *line,
		     struct fault *why)
{
	if (type && strcmp(type, "archive") == 0)
		return read_head(t, line, why);
	if (type && strcmp(type, "end") == 0)
		return read_end(t, line, why);
	for (int i = 0; type && i < ARCHIVE_SECTIONS; i++)
		if (strcmp(type, archive_shapes[i].type) == 0)
			return read_entry(t, line, (enum archive_section)i, why);
	return fault_set(why, EX_DATAERR, "field 'type' is not one of an archive's");
}

int archive_read_line(const char *bytes, size_t len, struct archive_line *line, struct fault *why)
{
	struct taking taking = {0};

	json_decref(line->object);
	line->object = record_load(bytes, len, why);
	taking.object = line->object;
	if (!line->object)
		return -1;
	if (read_kind(&taking, json_string_value(take(&taking, "type")), line, why) < 0)
		return -1;
	if (taking.taken != json_object_size(line->object))
		return fault_set(why, EX_DATAERR, "it has a field too many");
	return 0;
}

void archive_line_release(struct archive_line *line)
{
	json_decref(line->object);
	for (size_t i = 0; i < ARCHIVE_COLUMNS; i++)
		buffer_release(&line->decoded[i]);
	*line = (struct archive_line){0};
}

/* --- counting --------------------------------------------------------------------------------- */

static const enum archive_count COUNT_OF[ARCHIVE_SECTIONS] = {
	[ARCHIVE_FIELDS] = COUNT_FIELDS, [ARCHIVE_PASSING] = COUNT_PASSING,
	[ARCHIVE_PEOPLE] = COUNT_PEOPLE, [ARCHIVE_OUTBOX] = COUNT_OUTBOX,
	[ARCHIVE_CODES] = COUNT_CODES,	 [ARCHIVE_LOADED] = COUNT_LOADED,
	[ARCHIVE_RUNS] = COUNT_RUNS,
};

void archive_tally_add(struct archive_tally *tally, const struct archive_entry *entry,
		       const char *line, size_t len)
{
	code_chain(tally->digest, line, len);
	if (!entry)
		return;
	tally->count[COUNT_OF[entry->section]]++;
	if (entry->section != ARCHIVE_PEOPLE)
		return;
	tally->count[COUNT_LEFT] += entry->cell[COLUMN_LEFT].len > 0;
	tally->count[COUNT_ISSUED] += entry->cell[COLUMN_ISSUED].len > 0;
	tally->count[COUNT_PENDING] += entry->cell[COLUMN_PENDING].len > 0;
	if (entry->cell[COLUMN_GRANTED_US].number > tally->granted_us) {
		tally->granted_us = entry->cell[COLUMN_GRANTED_US].number;
		tally->count[COUNT_GRANTS]++;
	}
}
