#include "letters.h"

#include "kafka_letters.h"
#include "parse.h"
#include "pipe_mailbox.h"
#include "ui.h"
#include "ui_kafka.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* --- a line ----------------------------------------------------------------------------------- */

static void add_text(struct buffer *line, const char *name, const char *text)
{
	if (!ui.json) {
		buffer_add(line, "\t", line->len > 0);
		buffer_text(line, *text ? text : "-");
	} else if (*text) {
		json_cstring(line, name, text);
	} else {
		json_none(line, name);
	}
}

static void add_int(struct buffer *line, const char *name, int64_t value, bool known)
{
	char digits[24] = "";

	if (known && ui.json) {
		json_int(line, name, value);
		return;
	}
	if (known)
		snprintf(digits, sizeof digits, "%" PRId64, value);
	add_text(line, name, digits);
}

static void add_time(struct buffer *line, const char *name, int64_t us)
{
	char text[TIME_TEXT] = "";

	if (us >= 0)
		format_time(text, us);
	add_text(line, name, text);
}

int letters_print(const struct letter *letter, struct fault *why)
{
	struct buffer line = {0};
	int result;

	if (ui.json)
		json_begin(&line);
	add_time(&line, "time", letter->failed_us);
	add_text(&line, "class", letter->kind);
	add_text(&line, "event", letter->winner.event);
	add_text(&line, "user", letter->winner.user);
	add_int(&line, "ticket", letter->winner.ticket, letter->winner.ticket > 0);
	add_int(&line, "attempts", letter->attempts, letter->attempts >= 0);
	add_int(&line, "replays", letter->replays, true);
	add_text(&line, "status", letter_status_word(letter->status));
	add_int(&line, "partition", letter->partition, letter->partition >= 0);
	add_int(&line, "offset", letter->offset, true);
	add_text(&line, "message", letter->message);
	add_text(&line, "run", letter->run);
	if (ui.json)
		json_end(&line);
	result = ui_line(&line, why);
	buffer_release(&line);
	return result;
}

/* --- where they are --------------------------------------------------------------------------- */

int letters_open(bool replays, struct kafka **kafka, struct mailbox **mailbox, struct fault *why)
{
	*kafka = NULL;
	*mailbox = NULL;
	if (!*ui.config.brokers) {
		if (isatty(STDIN_FILENO))
			ui_misuse("no brokers are set (-b, FCFS_BROKERS): give the file of "
				  "--dead-letters on standard input");
		return pipe_mailbox(STDIN_FILENO, STDOUT_FILENO, &ui_control, mailbox, why);
	}
	*kafka = ui_kafka(NULL, why);
	return *kafka ? kafka_mailbox(*kafka, replays, mailbox, why) : -1;
}
