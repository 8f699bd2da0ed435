#include "pipe_mailbox.h"

#include "pipe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

enum { TAKE = 100 };

struct pipe_box {
	struct mailbox mailbox;
	const struct control *control;
	struct source *source;
	struct sink *sink;
	struct buffer line;
};

static void read_line(const struct pipe_box *box, struct letter *letter,
		      const struct incoming *line)
{
	char complaint[sizeof letter->message];
	struct fault bad;

	if (letter_read_line(letter, line->bytes, line->len, &bad) < 0) {
		letter->status = LETTER_BAD;
		snprintf(complaint, sizeof complaint, "line %" PRId64 ": %.400s", line->number,
			 bad.line);
		box->control->complain(complaint);
	}
	letter->offset = line->number;
}

static int pipe_each(struct mailbox *mailbox,
		     int (*visit)(void *, const struct letter *, struct fault *), void *self,
		     struct fault *why)
{
	struct pipe_box *box = (struct pipe_box *)mailbox;
	struct incoming line[TAKE];
	int result = 0, count = 0;

	while (result == 0 && count >= 0 && !box->control->stopping() &&
	       !box->source->ended(box->source, why)) {
		count = box->source->take(box->source, line, TAKE, box->control, why);
		for (int i = 0; i < count && result == 0; i++) {
			struct letter letter;

			read_line(box, &letter, &line[i]);
			result = visit(self, &letter, why);
		}
	}
	return count < 0 ? -1 : result;
}

static int pipe_replay(struct mailbox *mailbox, const struct letter *letter, struct fault *why)
{
	struct pipe_box *box = (struct pipe_box *)mailbox;
	struct winner winner = letter->winner;
	struct outgoing outgoing = {
		.topic = TOPIC_WINNERS, .event = letter->winner.event, .key = letter->winner.user};

	winner.replays = letter->replays + 1;
	buffer_clear(&box->line);
	record_winner(&box->line, &winner);
	if (box->line.failed)
		return fault_set(why, EX_OSERR, "out of memory");
	outgoing.bytes = box->line.bytes;
	outgoing.len = box->line.len;
	return box->sink->put(box->sink, &outgoing, why);
}

static int pipe_commit(struct mailbox *mailbox, struct fault *why)
{
	struct pipe_box *box = (struct pipe_box *)mailbox;

	return box->sink->commit(box->sink, 0, why) < 0 ? -1 : box->sink->settle(box->sink, why);
}

static int pipe_restart(struct mailbox *mailbox, struct fault *why)
{
	(void)mailbox;
	return fault_set(why, EX_SOFTWARE, "a pipe cannot be read again");
}

static void pipe_box_close(struct mailbox *mailbox)
{
	struct pipe_box *box = (struct pipe_box *)mailbox;

	if (box->sink)
		box->sink->close(box->sink);
	if (box->source)
		box->source->close(box->source);
	buffer_release(&box->line);
	free(box);
}

int pipe_mailbox(int from, int to, const struct control *control, struct mailbox **mailbox,
		 struct fault *why)
{
	struct pipe_box *box = calloc(1, sizeof *box);

	*mailbox = NULL;
	if (!box)
		return fault_errno(why, EX_OSERR, "dead letters");
	box->control = control;
	/* An issuer writes to a file that was moved only while it has it locked. */
	flock(from, LOCK_SH);
	flock(from, LOCK_UN);
	box->mailbox = (struct mailbox){.each = pipe_each,
					.replay = pipe_replay,
					.commit = pipe_commit,
					.restart = pipe_restart,
					.close = pipe_box_close};
	if (pipe_source(from, &box->source, why) == 0 &&
	    pipe_sink(to, control, &box->sink, why) == 0)
		return *mailbox = &box->mailbox, 0;
	pipe_box_close(&box->mailbox);
	return -1;
}
