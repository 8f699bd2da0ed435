/*
 * kafka_letters.c - what a dead letter says of itself, in its headers and its record; any tool may have
 * written it.
 */
#include "kafka_letters.h"

#include "kafka_private.h"

#include <string.h>

static void show_header(char *out, size_t size, const rd_kafka_message_t *message, const char *name)
{
	size_t len;
	const char *text = kafka_header(message, name, &len);

	name_show_text(out, size, text, len);
}

static void read_event(struct letter *letter, const rd_kafka_message_t *message)
{
	size_t len;
	const char *event = kafka_header(message, "event", &len);

	if (event && name_is_event(event, len))
		memcpy(letter->winner.event, event, len);
}

void kafka_read_letter(const rd_kafka_message_t *message, struct letter *letter)
{
	size_t len;

	*letter = (struct letter){.partition = message->partition,
				  .offset = message->offset,
				  .failed_us = kafka_header_int(message, "last_failure_us"),
				  .attempts = kafka_header_int(message, "attempts"),
				  .replays = kafka_header_int(message, "replays")};
	show_header(letter->kind, sizeof letter->kind, message, "error_class");
	show_header(letter->message, sizeof letter->message, message, "error_message");
	show_header(letter->run, sizeof letter->run, message, "run");
	if (!letter_read_record(letter, message->payload, message->len))
		read_event(letter, message);
	letter_sort(letter,
		    !kafka_header(message, "truncated", &len) && message->len <= RECORD_MAX);
	letter->record = (struct incoming){.bytes = message->payload,
					   .len = message->len,
					   .partition = message->partition,
					   .offset = message->offset,
					   .replays = letter->replays,
					   .raw = message};
}

/* --- all of them ------------------------------------------------------------------------------ */

struct visitor {
	int (*visit)(void *, const struct letter *, struct fault *);
	void *self;
};

static int visit_message(void *self, const rd_kafka_message_t *message, struct fault *why)
{
	const struct visitor *v = self;
	struct letter letter;

	kafka_read_letter(message, &letter);
	return v->visit(v->self, &letter, why);
}

static int read_letters(struct kafka *k, struct visitor *v, struct fault *why)
{
	int32_t parts = kafka_partitions(k, TOPIC_DEAD, why);
	int64_t low, high;

	for (int32_t p = 0; p < parts; p++)
		if (kafka_watermarks(k, true, TOPIC_DEAD, p, &low, &high, why) < 0 ||
		    kafka_scan(k, TOPIC_DEAD, p, low, high, visit_message, v, why) < 0)
			return -1;
	return parts < 0 ? -1 : 0;
}

int kafka_dead_letters(struct kafka *k, int (*visit)(void *, const struct letter *, struct fault *),
		       void *self, struct fault *why)
{
	struct visitor v = {visit, self};
	int64_t reconnect_ms = kafka_hurry(k);
	int result = read_letters(k, &v, why);

	k->options.reconnect_ms = reconnect_ms;
	return result;
}
