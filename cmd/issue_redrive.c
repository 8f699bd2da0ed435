#include "issue_redrive.h"

#include "letters.h"
#include "parse.h"
#include "redrive.h"
#include "ui.h"

#include <inttypes.h>
#include <stdio.h>

int redrive_take(struct redrive_request *r, int letter, const char *value, struct fault *why)
{
	r->refining = r->refining || letter != REDRIVE;
	switch (letter) {
	case REDRIVE_DRY_RUN:
		r->dry_run = true;
		return 0;
	case REDRIVE_MATCH:
		if (r->matches == REDRIVE_MATCHES)
			return fault_set(why, EX_USAGE, "--match: at most %d", REDRIVE_MATCHES);
		return match_parse(value, &r->match[r->matches++], why);
	case REDRIVE_LIMIT:
		return parse_count("--limit", value, 1, INT64_MAX, &r->limit, why);
	default:
		r->wanted = true;
		return 0;
	}
}

static int show(void *self, const struct letter *letter, struct fault *why)
{
	(void)self;
	return letters_print(letter, why);
}

static void say_counts(const struct redrive_counts *c, bool dry_run)
{
	char line[320];

	snprintf(line, sizeof line,
		 "in %" PRId64 " = %s %" PRId64 " + before %" PRId64 " + final %" PRId64
		 " + kept %" PRId64 " + bad %" PRId64,
		 c->in, dry_run ? "to redrive" : "redriven", c->redriven, c->before, c->final,
		 c->kept, c->bad);
	ui_warn(line);
}

int redrive(const struct redrive_request *r, struct fault *why)
{
	struct redrive_counts counts = {0};
	struct redrive job = {.match = r->match,
			      .matches = r->matches,
			      .limit = r->limit ? r->limit : INT64_MAX,
			      .control = &ui_control,
			      .show = r->dry_run ? show : NULL};
	struct kafka *kafka;
	int result = letters_open(!r->dry_run, &kafka, &job.mailbox, why);

	if (result == 0)
		result = redrive_run(&job, &counts, why);
	if (job.mailbox) {
		say_counts(&counts, r->dry_run);
		job.mailbox->close(job.mailbox);
	}
	kafka_close(kafka);
	if (result < 0)
		return -1;
	return counts.bad ? EX_DATAERR : counts.redriven ? STATUS_YES : STATUS_NO;
}
