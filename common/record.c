#include "record_json.h"

#include <string.h>

void record_stem(struct buffer *buffer, const char *type, const char *event, const char *id)
{
	json_begin(buffer);
	json_cstring(buffer, "type", type);
	json_cstring(buffer, "event", event);
	json_cstring(buffer, "id", id);
}

static void add_person(struct buffer *buffer, const struct winner *winner)
{
	json_cstring(buffer, "user", winner->user);
	json_int(buffer, "ticket", winner->ticket);
}

void record_add_winner(struct buffer *buffer, const struct winner *winner)
{
	add_person(buffer, winner);
	json_int(buffer, "joined_us", winner->joined_us);
	json_int(buffer, "granted_us", winner->granted_us);
	if (winner->replays)
		json_int(buffer, "replays", winner->replays);
	json_end(buffer);
}

void record_add_request(struct buffer *buffer, const struct winner *winner)
{
	add_person(buffer, winner);
	json_int(buffer, "joined_us", winner->joined_us);
	json_end(buffer);
}

void record_winner(struct buffer *buffer, const struct winner *winner)
{
	record_stem(buffer, "winner", winner->event, winner->id);
	record_add_winner(buffer, winner);
}

void record_progress(struct buffer *buffer, const char *event, const char *id,
		     const struct progress *progress)
{
	record_stem(buffer, "progress", event, id);
	json_int(buffer, "requests", progress->requests);
	json_int(buffer, "winners", progress->winners);
	json_int(buffer, "seq", progress->seq);
	if (progress->rebuilt_us)
		json_int(buffer, "rebuilt_us", progress->rebuilt_us);
	json_end(buffer);
}

void record_issued(struct buffer *buffer, const struct issued *issued)
{
	record_stem(buffer, "issued", issued->winner.event, issued->winner.id);
	add_person(buffer, &issued->winner);
	json_cstring(buffer, "code", issued->code);
	json_int(buffer, "joined_us", issued->winner.joined_us);
	json_int(buffer, "granted_us", issued->winner.granted_us);
	json_int(buffer, "issued_us", issued->issued_us);
	json_end(buffer);
}

/* The field's text, borrowed from the object, or NULL and why. */
static const char *text_field(const json_t *object, const char *name, size_t *len,
			      struct fault *why)
{
	const json_t *value = json_object_get(object, name);

	if (!value) {
		fault_set(why, EX_DATAERR, "field '%s' is missing", name);
		return NULL;
	}
	if (!json_is_string(value)) {
		fault_set(why, EX_DATAERR, "field '%s' is not a string", name);
		return NULL;
	}
	*len = json_string_length(value);
	return json_string_value(value);
}

static int check_type(const json_t *object, const char *type, struct fault *why)
{
	size_t len;
	const char *text = text_field(object, "type", &len, why);

	if (!text)
		return -1;
	if (strcmp(text, type) != 0)
		return fault_set(why, EX_DATAERR, "field 'type' is not '%s'", type);
	return 0;
}

static const char *event_fault(const char *text, size_t len)
{
	return name_is_event(text, len) ? NULL : "not an event's name";
}

static const char *uuid_fault(const char *text, size_t len)
{
	return name_is_uuid(text, len) ? NULL : "not a UUID in lower case";
}

/* No check lets a text through that is longer than its field in struct winner. */
static int read_text(const json_t *object, const char *name,
		     const char *(*check)(const char *text, size_t len), char *out,
		     struct fault *why)
{
	size_t len;
	const char *text = text_field(object, name, &len, why);
	const char *reason;

	if (!text)
		return -1;
	reason = check(text, len);
	if (reason)
		return fault_set(why, EX_DATAERR, "field '%s' is illegal: %s", name, reason);
	memcpy(out, text, len + 1);
	return 0;
}

static int read_int(const json_t *object, const char *name, int64_t min, int64_t *out,
		    struct fault *why)
{
	const json_t *value = json_object_get(object, name);

	if (!value)
		return fault_set(why, EX_DATAERR, "field '%s' is missing", name);
	if (!json_is_integer(value))
		return fault_set(why, EX_DATAERR, "field '%s' is not an integer", name);
	*out = json_integer_value(value);
	if (*out < min)
		return fault_set(why, EX_DATAERR, "field '%s' is below %d", name, (int)min);
	return 0;
}

/* A number that is written only where it is not 0. */
static int read_optional(const json_t *object, const char *name, int64_t *out, struct fault *why)
{
	*out = 0;
	return json_object_get(object, name) ? read_int(object, name, 0, out, why) : 0;
}

static int read_winner(const json_t *object, struct winner *winner, struct fault *why)
{
	if (check_type(object, "winner", why) < 0 ||
	    read_text(object, "event", event_fault, winner->event, why) < 0 ||
	    read_text(object, "id", uuid_fault, winner->id, why) < 0 ||
	    read_text(object, "user", name_person_fault, winner->user, why) < 0 ||
	    read_int(object, "ticket", 1, &winner->ticket, why) < 0 ||
	    read_int(object, "joined_us", 0, &winner->joined_us, why) < 0 ||
	    read_int(object, "granted_us", 0, &winner->granted_us, why) < 0)
		return -1;
	return read_optional(object, "replays", &winner->replays, why);
}

/* The parser's own text quotes the input, which may hold a code, so it is not passed on. */
static int refuse(const json_error_t *error, struct fault *why)
{
	switch (json_error_code(error)) {
	case json_error_out_of_memory:
		return fault_set(why, EX_OSERR, "out of memory");
	case json_error_duplicate_key:
		return fault_set(why, EX_DATAERR, "a field is named twice");
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return fault_set(why, EX_DATAERR, "a string has a NUL");
	case json_error_numeric_overflow:
		return fault_set(why, EX_DATAERR, "a number is too large");
	case json_error_stack_overflow:
		return fault_set(why, EX_DATAERR, "nested too deep");
	case json_error_invalid_utf8:
		return fault_set(why, EX_DATAERR, "not valid UTF-8");
	default:
		return fault_set(why, EX_DATAERR, "not JSON");
	}
}

json_t *record_load(const char *bytes, size_t len, struct fault *why)
{
	json_error_t error;
	json_t *object;

	if (len > RECORD_MAX) {
		fault_set(why, EX_DATAERR, "longer than %d bytes", RECORD_MAX);
		return NULL;
	}
	object = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
	if (!object)
		refuse(&error, why);
	else if (!json_is_object(object)) {
		json_decref(object);
		fault_set(why, EX_DATAERR, "not a JSON object");
		return NULL;
	}
	return object;
}

/* --- as it was written ------------------------------------------------------------------------ */

/* A winner's record comes as record_winner wrote it, but for those by other hands: to parse it as JSON is
 * four tenths of what an issuer does. What differs by a byte, or has an escape, is left to the parser. */
struct scan {
	const char *at, *end;
};

static bool scan_word(struct scan *s, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
		return false;
	s->at += len;
	return true;
}

/* No check lets a text through that JSON would not, but for a backslash in a person's name. */
static bool scan_text(struct scan *s, const char *(*check)(const char *text, size_t len), char *out)
{
	const char *text = s->at;
	const char *quote = memchr(text, '"', (size_t)(s->end - text));
	size_t len = quote ? (size_t)(quote - text) : 0;

	if (!quote || memchr(text, '\\', len) || check(text, len))
		return false;
	memcpy(out, text, len);
	out[len] = '\0';
	s->at = quote + 1;
	return true;
}

/* Up to 18 digits fit; a number does not begin with 0. */
static bool scan_int(struct scan *s, int64_t *out)
{
	const char *first = s->at;

	for (*out = 0; s->at < s->end && *s->at >= '0' && *s->at <= '9' && s->at - first < 18;)
		*out = *out * 10 + (*s->at++ - '0');
	return s->at > first && *first != '0';
}

static bool scan_winner(const char *bytes, size_t len, struct winner *winner)
{
	struct scan s = {bytes, bytes + len};

	winner->replays = 0;
	return scan_word(&s, "{\"type\":\"winner\",\"event\":\"") &&
	       scan_text(&s, event_fault, winner->event) && scan_word(&s, ",\"id\":\"") &&
	       scan_text(&s, uuid_fault, winner->id) && scan_word(&s, ",\"user\":\"") &&
	       scan_text(&s, name_person_fault, winner->user) && scan_word(&s, ",\"ticket\":") &&
	       scan_int(&s, &winner->ticket) && scan_word(&s, ",\"joined_us\":") &&
	       scan_int(&s, &winner->joined_us) && scan_word(&s, ",\"granted_us\":") &&
	       scan_int(&s, &winner->granted_us) && scan_word(&s, "}") && s.at == s.end;
}

int record_read_winner(const char *bytes, size_t len, struct winner *winner, struct fault *why)
{
	json_t *object;
	int answer;

	if (scan_winner(bytes, len, winner))
		return 0;
	object = record_load(bytes, len, why);
	answer = object ? read_winner(object, winner, why) : -1;
	json_decref(object);
	return answer;
}

static int read_progress(const json_t *object, const char *id, struct progress *progress,
			 struct fault *why)
{
	char own_id[UUID_LEN + 1];

	if (check_type(object, "progress", why) < 0 ||
	    read_text(object, "id", uuid_fault, own_id, why) < 0 ||
	    read_int(object, "requests", 0, &progress->requests, why) < 0 ||
	    read_int(object, "winners", 0, &progress->winners, why) < 0 ||
	    read_int(object, "seq", 0, &progress->seq, why) < 0 ||
	    read_optional(object, "rebuilt_us", &progress->rebuilt_us, why) < 0)
		return -1;
	return strcmp(own_id, id) == 0
		       ? 0
		       : fault_set(why, EX_DATAERR, "field 'id' is another event's");
}

int record_read_progress(const char *bytes, size_t len, const char *id, struct progress *progress,
			 struct fault *why)
{
	struct fault bad;
	json_t *object = record_load(bytes, len, &bad);
	int answer = object ? read_progress(object, id, progress, &bad) : -1;

	json_decref(object);
	return answer == 0 ? 0
			   : fault_set(why, EX_PROTOCOL, "a progress record of event id '%s': %s",
				       id, bad.line);
}

int record_log_user(const char *bytes, size_t len, char user[PERSON_MAX + 1], struct fault *why)
{
	struct fault bad;
	json_t *object = record_load(bytes, len, &bad);
	size_t size;
	const char *text = object ? text_field(object, "user", &size, &bad) : NULL;

	if (text && size <= PERSON_MAX)
		memcpy(user, text, size + 1);
	json_decref(object);
	return text && size <= PERSON_MAX
		       ? 0
		       : fault_set(why, EX_PROTOCOL, "a record of the outbox is not ours: %s",
				   text ? "a person's name is too long" : bad.line);
}

static bool read_creation(const json_t *object, struct creation *creation)
{
	const char *what = json_string_value(json_object_get(object, "what"));
	struct fault ignored;

	return what && strcmp(what, "create") == 0 && check_type(object, "log", &ignored) == 0 &&
	       read_text(object, "event", event_fault, creation->event, &ignored) == 0 &&
	       read_text(object, "id", uuid_fault, creation->id, &ignored) == 0 &&
	       read_int(object, "at_us", 0, &creation->at_us, &ignored) == 0;
}

bool record_read_creation(const char *bytes, size_t len, struct creation *creation)
{
	struct fault ignored;
	json_t *object = record_load(bytes, len, &ignored);
	bool is_one = object && read_creation(object, creation);

	json_decref(object);
	return is_one;
}

static int read_bool(const json_t *object, const char *name, bool *out, struct fault *why)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_boolean(value))
		return fault_set(why, EX_DATAERR, "field '%s' is %s", name,
				 value ? "not true or false" : "missing");
	*out = json_is_true(value);
	return 0;
}

static int read_reason(const json_t *object, struct answer *answer, struct fault *why)
{
	const char *text = "";
	size_t len = 0;

	answer->retry = true;
	if (json_object_get(object, "retry") && read_bool(object, "retry", &answer->retry, why) < 0)
		return -1;
	if (json_object_get(object, "why"))
		text = text_field(object, "why", &len, why);
	if (!text)
		return -1;
	if (len >= sizeof answer->why)
		len = sizeof answer->why - 1;
	memcpy(answer->why, text, len);
	answer->why[len] = '\0';
	return 0;
}

static int read_answer(const json_t *object, struct answer *answer, struct fault *why)
{
	if (read_text(object, "id", uuid_fault, answer->id, why) < 0 ||
	    read_int(object, "ticket", 1, &answer->ticket, why) < 0 ||
	    read_bool(object, "ok", &answer->ok, why) < 0)
		return -1;
	return answer->ok ? 0 : read_reason(object, answer, why);
}

int record_read_answer(const char *bytes, size_t len, struct answer *answer, struct fault *why)
{
	json_t *object = record_load(bytes, len, why);
	int result;

	*answer = (struct answer){0};
	result = object ? read_answer(object, answer, why) : -1;
	json_decref(object);
	return result;
}
