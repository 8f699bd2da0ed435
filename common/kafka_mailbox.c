/*
 * kafka_mailbox.c - dead letters in Kafka as redrive reads and replays them.
 */
#include "kafka_letters.h"
#include "kafka_marks.h"

#include <errno.h>
#include <stdlib.h>

struct kafka_box {
	struct mailbox mailbox;
	struct kafka *kafka;
	struct sink *sink; /* NULL: it only looks */
	struct range *range;
	int64_t *next,
		*committed; /* of each partition: the offset to go on from, and as of the commit */
	int32_t parts;
	struct marks marks;
	int (*visit)(void *, const struct letter *, struct fault *);
	void *visit_self;
};

/* --- looking ---------------------------------------------------------------------------------- */

static int visit_message(void *self, const rd_kafka_message_t *message, struct fault *why)
{
	struct kafka_box *box = self;
	struct letter letter;

	kafka_read_letter(message, &letter);
	if (marks_has(&box->marks, message))
		letter.status = LETTER_REDRIVEN;
	box->next[message->partition] = message->offset + 1;
	return box->visit(box->visit_self, &letter, why);
}

static int kafka_each(struct mailbox *mailbox,
		      int (*visit)(void *, const struct letter *, struct fault *), void *self,
		      struct fault *why)
{
	struct kafka_box *box = (struct kafka_box *)mailbox;
	int result = 0;

	box->visit = visit;
	box->visit_self = self;
	for (int32_t p = 0; p < box->parts && result == 0; p++)
		result = kafka_scan(box->kafka, TOPIC_DEAD, p, box->next[p], box->range[p].stable,
				    visit_message, box, why);
	return result;
}

/* --- replaying -------------------------------------------------------------------------------- */

static int kafka_replay(struct mailbox *mailbox, const struct letter *letter, struct fault *why)
{
	struct kafka_box *box = (struct kafka_box *)mailbox;
	const struct outgoing outgoing = {.topic = TOPIC_WINNERS, .again = &letter->record};

	marks_set(&box->marks, letter->record.raw);
	return box->sink->put(box->sink, &outgoing, why);
}

static void copy(int64_t *to, const int64_t *from, int32_t count)
{
	for (int32_t i = 0; i < count; i++)
		to[i] = from[i];
}

static int kafka_commit(struct mailbox *mailbox, struct fault *why)
{
	struct kafka_box *box = (struct kafka_box *)mailbox;
	int outcome;

	if (marks_put(&box->marks, box->sink, why) < 0 || box->sink->commit(box->sink, 0, why) < 0)
		return -1;
	outcome = box->sink->settle(box->sink, why);
	if (outcome == COMMITTED)
		copy(box->committed, box->next, box->parts);
	return outcome;
}

static int read_marks(struct kafka_box *box, struct fault *why)
{
	marks_release(&box->marks);
	return marks_read(&box->marks, box->kafka, box->range, box->parts, box->sink, why);
}

static int kafka_restart(struct mailbox *mailbox, struct fault *why)
{
	struct kafka_box *box = (struct kafka_box *)mailbox;

	copy(box->next, box->committed, box->parts);
	return box->sink->restart(box->sink, why) < 0 ? -1 : read_marks(box, why);
}

/* --- opening and closing ---------------------------------------------------------------------- */

static void kafka_box_close(struct mailbox *mailbox)
{
	struct kafka_box *box = (struct kafka_box *)mailbox;

	if (box->sink)
		box->sink->close(box->sink);
	marks_release(&box->marks);
	free(box->range);
	free(box->next);
	free(box->committed);
	free(box);
}

/* What was committed a moment ago may need another to be seen; a dead issuer's transaction is not
 * waited for. */
static int read_ends(struct kafka_box *box, struct fault *why)
{
	int32_t parts = kafka_partitions(box->kafka, TOPIC_DEAD, why);

	if (parts < 0)
		return -1;
	box->range = calloc((size_t)parts, sizeof *box->range);
	box->next = calloc((size_t)parts, sizeof *box->next);
	box->committed = calloc((size_t)parts, sizeof *box->committed);
	if (!box->range || !box->next || !box->committed)
		return fault_errno(why, EX_OSERR, "dead letters");
	box->parts = parts;
	for (int32_t p = 0; p < parts; p++) {
		if (kafka_wait_stable(box->kafka, TOPIC_DEAD, p, KAFKA_SETTLE_MS, NULL,
				      &box->range[p], why) < 0)
			return -1;
		box->next[p] = box->committed[p] = box->range[p].low;
	}
	return 0;
}

static int open_sink(struct kafka_box *box, struct fault *why)
{
	return kafka_require(box->kafka, why) < 0
		       ? -1
		       : kafka_sink_open(box->kafka, "fcfs-redrive", NULL, NULL, &box->sink, why);
}

int kafka_mailbox(struct kafka *k, bool replays, struct mailbox **mailbox, struct fault *why)
{
	struct kafka_box *box = calloc(1, sizeof *box);

	*mailbox = NULL;
	if (!box)
		return fault_errno(why, EX_OSERR, "dead letters");
	box->kafka = k;
	box->mailbox = (struct mailbox){.each = kafka_each,
					.replay = kafka_replay,
					.commit = kafka_commit,
					.restart = kafka_restart,
					.close = kafka_box_close};
	if (read_ends(box, why) == 0 && (!replays || open_sink(box, why) == 0) &&
	    read_marks(box, why) == 0)
		return *mailbox = &box->mailbox, 0;
	kafka_box_close(&box->mailbox);
	return -1;
}
