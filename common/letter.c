#include "letter.h"

#include "parse.h"

#include <stdio.h>
#include <string.h>

const char *letter_status_word(enum letter_status status)
{
	static const char *const WORDS[] = {[LETTER_DEAD] = "dead",
					    [LETTER_REDRIVEN] = "redriven",
					    [LETTER_FINAL] = "final",
					    [LETTER_BAD] = ""};

	return WORDS[status];
}

bool letter_read_record(struct letter *letter, const char *bytes, size_t len)
{
	struct fault unread;

	if (bytes && record_read_winner(bytes, len, &letter->winner, &unread) == 0)
		return true;
	letter->winner = (struct winner){0};
	return false;
}

void letter_sort(struct letter *letter, bool whole)
{
	if (letter->replays < 0)
		letter->replays = 0;
	letter->status = whole && letter->replays < LETTER_REPLAYS_MAX ? LETTER_DEAD : LETTER_FINAL;
}

/* --- conditions ------------------------------------------------------------------------------- */

struct match_key {
	const char *name;
	size_t at; /* in struct letter */
	enum { TEXT, INT32, INT64 } type;
};

static const struct match_key KEYS[] = {
	{"event", offsetof(struct letter, winner.event), TEXT},
	{"id", offsetof(struct letter, winner.id), TEXT},
	{"user", offsetof(struct letter, winner.user), TEXT},
	{"ticket", offsetof(struct letter, winner.ticket), INT64},
	{"error_class", offsetof(struct letter, kind), TEXT},
	{"run", offsetof(struct letter, run), TEXT},
	{"partition", offsetof(struct letter, partition), INT32},
	{"offset", offsetof(struct letter, offset), INT64},
};

static const struct match_key *find_key(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++)
		if (strlen(KEYS[i].name) == len && memcmp(KEYS[i].name, text, len) == 0)
			return &KEYS[i];
	return NULL;
}

int match_parse(const char *text, struct match *match, struct fault *why)
{
	size_t len = strcspn(text, "=");
	char what[40];

	*match = (struct match){.key = find_key(text, len)};
	if (text[len] != '=' || !match->key)
		return fault_set(why, EX_USAGE,
				 "--match '%s': expected KEY=VALUE, KEY one of event, id, user, "
				 "ticket, error_class, run, partition, offset",
				 text);
	match->text = text + len + 1;
	snprintf(what, sizeof what, "--match %s", match->key->name);
	return match->key->type == TEXT
		       ? 0
		       : parse_count(what, match->text, 0, INT64_MAX, &match->number, why);
}

static bool meets(const struct match *match, const struct letter *letter)
{
	const void *field = (const char *)letter + match->key->at;

	switch (match->key->type) {
	case TEXT:
		return strcmp(field, match->text) == 0;
	case INT32:
		return *(const int32_t *)field == match->number;
	default:
		return *(const int64_t *)field == match->number;
	}
}

bool match_all(const struct match *match, size_t count, const struct letter *letter)
{
	for (size_t i = 0; i < count; i++)
		if (!meets(&match[i], letter))
			return false;
	return true;
}
