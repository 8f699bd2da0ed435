#include "archive_record.h"
#include "record.h"
#include "tap.h"

static struct archive_line line;
static struct fault why;

static int read_text(const char *text)
{
	return archive_read_line(text, strlen(text), &line, &why);
}

static void put(struct archive_entry *entry, int column, const char *text, size_t len)
{
	entry->cell[column].text = text;
	entry->cell[column].len = len;
}

static bool same_entry(const struct archive_entry *a, const struct archive_entry *b)
{
	bool same = a->section == b->section && a->number == b->number;

	for (size_t i = 0; i < archive_shapes[a->section].columns; i++)
		same = same && a->cell[i].number == b->cell[i].number &&
		       a->cell[i].len == b->cell[i].len &&
		       memcmp(a->cell[i].text ? a->cell[i].text : "",
			      b->cell[i].text ? b->cell[i].text : "", a->cell[i].len) == 0;
	return same;
}

/* Written, read, and the same? */
static bool comes_back(const struct archive_entry *entry)
{
	struct buffer text = {0};
	bool same;

	archive_write_entry(&text, entry);
	same = archive_read_line(text.bytes, text.len, &line, &why) == 0 &&
	       line.kind == ARCHIVE_ENTRY && same_entry(entry, &line.entry);
	buffer_release(&text);
	return same;
}

static void test_person(void)
{
	struct archive_entry entry = {.section = ARCHIVE_PEOPLE, .number = 7};
	char name[3] = "a?z";
	bool all = true;

	entry.cell[COLUMN_JOINED_US].number = INT64_C(1795516952231455);
	put(&entry, COLUMN_LEFT, "", 0);
	put(&entry, COLUMN_ISSUED, "", 0);
	put(&entry, COLUMN_PENDING, "", 0);
	for (int byte = 0; byte < 256; byte++) {
		name[1] = (char)byte;
		put(&entry, COLUMN_USER, name, sizeof name);
		all = all && comes_back(&entry);
	}
	ok(all, "a name comes back, whatever bytes are in it");
	put(&entry, COLUMN_USER, "", 0);
	ok(comes_back(&entry), "... and with none");
	put(&entry, COLUMN_USER, "ann", 3);
	put(&entry, COLUMN_LEFT, "\xff\"", 2);
	put(&entry, COLUMN_PENDING, "assigned - - 1 2 \xc3\xa9", 19);
	entry.cell[COLUMN_GRANTED_US].number = INT64_MAX;
	ok(comes_back(&entry), "... with all else");
}

static void test_sections(void)
{
	for (int i = 0; i < ARCHIVE_SECTIONS; i++) {
		struct archive_entry entry = {.section = (enum archive_section)i};

		if (i == ARCHIVE_PEOPLE)
			continue;
		put(&entry, 0, "one \"\n\t\\", 8);
		put(&entry, 1, "two", 3);
		ok(comes_back(&entry), archive_shapes[i].type);
	}
}

static void test_ends(void)
{
	const struct archive_head head = {"chicken", "11111111-1111-4111-8111-111111111111", 5};
	const int64_t count[ARCHIVE_COUNTS] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
	struct buffer text = {0};

	archive_write_head(&text, &head);
	is_int(archive_read_line(text.bytes, text.len, &line, &why), 0, "the first line is read");
	is_int(line.kind, ARCHIVE_HEAD, "... as such");
	is_str(line.head.event, head.event, "... with its event,");
	is_str(line.head.id, head.id, "... its id");
	is_int(line.head.saved_us, 5, "... and when it was saved");
	buffer_clear(&text);
	archive_write_end(&text, count, head.id);
	is_int(archive_read_line(text.bytes, text.len, &line, &why), 0, "the last line is read");
	is_int(line.kind, ARCHIVE_END, "... as such");
	ok(memcmp(line.count, count, sizeof count) == 0, "... with all it counts");
	is_str(line.digest, head.id, "... and its digest");
	buffer_release(&text);
}

static void test_faults(void)
{
	static const struct {
		const char *text, *said;
	} CASES[] = {
		{"", "not JSON"},
		{"[]", "not a JSON object"},
		{"{}", "field 'type' is not one of an archive's"},
		{"{\"type\":1}", "field 'type' is not one of an archive's"},
		{"{\"type\":\"code\"}", "field 'code' is missing"},
		{"{\"type\":\"code\",\"code\":1}", "field 'code' is not a string"},
		{"{\"type\":\"code\",\"code\":\"a\",\"code\":\"b\"}", "a field is named twice"},
		{"{\"type\":\"code\",\"code\":\"a\",\"code_hex\":\"61\"}", "a field too many"},
		{"{\"type\":\"code\",\"code_hex\":\"6\"}", "field 'code_hex' is not in hex"},
		{"{\"type\":\"code\",\"code_hex\":\"6G\"}", "field 'code_hex' is not in hex"},
		{"{\"type\":\"code\",\"code_hex\":6}", "field 'code_hex' is not in hex"},
		{"{\"type\":\"code\",\"code\":\"a\\u0000\"}", "a string has a NUL"},
		{"{\"type\":\"person\",\"ticket\":-1,\"user\":\"a\",\"joined_us\":1}", "below 0"},
		{"{\"type\":\"person\",\"ticket\":1,\"user\":\"a\",\"joined_us\":1.5}",
		 "field 'joined_us' is not an integer"},
		{"{\"type\":\"person\",\"ticket\":1,\"user\":\"a\",\"joined_us\":1,\"granted_us\":0}",
		 "field 'granted_us' is below 1"},
		{"{\"type\":\"person\",\"ticket\":1,\"user\":\"a\",\"joined_us\":1,\"left\":\"\"}",
		 "field 'left' is empty"},
		{"{\"type\":\"archive\",\"v\":2}", "version 2, ours is 1"},
		{"{\"type\":\"archive\",\"v\":1,\"event\":\"a b\"}", "field 'event' is not what"},
		{"{\"type\":\"archive\",\"v\":1,\"event\":\"a\",\"id\":\"b\"}",
		 "field 'id' is not what"},
		{"{\"type\":\"end\"}", "field 'fields' is missing"},
	};

	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		is_int(read_text(CASES[i].text), -1, CASES[i].text);
		has_str(why.line, CASES[i].said, "... and why");
	}
}

static void test_digest(void)
{
	struct archive_tally tally = {0}, other = {0};
	struct archive_entry entry = {.section = ARCHIVE_PEOPLE};

	entry.cell[COLUMN_GRANTED_US].number = 5;
	archive_tally_add(&tally, &entry, "a", 1);
	archive_tally_add(&tally, &entry, "b", 1);
	archive_tally_add(&other, &entry, "b", 1);
	archive_tally_add(&other, &entry, "a", 1);
	ok(memcmp(tally.digest, other.digest, sizeof tally.digest) != 0, "order makes the digest");
	is_int(tally.count[COUNT_PEOPLE], 2, "two people");
	is_int(tally.count[COUNT_GRANTS], 1, "... granted by one step");
}

int main(void)
{
	test_person();
	test_sections();
	test_ends();
	test_faults();
	test_digest();
	archive_line_release(&line);
	return done_testing();
}
