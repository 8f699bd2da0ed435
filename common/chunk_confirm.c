/*
 * chunk_confirm.c - between delivery and all that goes out: may this run go on with what it has in hand?
 *
 * Who delivers has a ticket in hand for long, and it may not be the only one: an earlier run of a pipe
 * that is still at it, or an issuer that does not know yet that its partitions are another's. A ticket
 * is assigned to the run that assigned it last (confirm.lua); what comes of it is decided in one step,
 * after the delivery, before anything says so elsewhere:
 *
 *   assigned:A ---> assigned:B          another run takes it over, and delivers it, too
 *       | confirm       | confirm       in a pipe: the first that has delivered it
 *       v               v
 *   assigned            (refused for good) dead letter ---> parked:B
 *
 * Dying
 *   - before confirm: it is assigned to a dead run, and the next takes it over;
 *   - after confirm, in a pipe: it is on its way out. The next run delivers it again, prints it, and
 *     cannot give it up: where it is refused for good, that is said;
 *   - between a dead letter and park: as before confirm; the letter is out, and the next run may write
 *     another, or issue it.
 * From Kafka nothing is on its way out before its offset is committed, with it: there confirm only asks
 * whether it is ours still, and if not, the chunk is lost like its partitions.
 */
#include "chunk.h"

static bool is_from_topic(const struct chunk *c)
{
	return c->live > 0 && c->order[0]->partition >= 0;
}

static int confirm(struct desk *d, struct group *g, struct fault *why)
{
	int changed = award_confirm(&d->step, d->issue->redis, &g->book->place, d->books.fresh.run,
				    g->award, g->count, why);

	if (changed < 0 && why->no_event) /* purged since we met it */
		return group_disown(g, "no such event"), 1;
	return changed;
}

int chunk_confirm(struct chunk *c, struct desk *d, struct fault *why)
{
	int changed = 0;

	for (size_t i = 0; i < c->groups; i++) {
		int more = c->group[i].book ? confirm(d, &c->group[i], why) : 0;

		if (more < 0)
			return -1;
		changed += more;
	}
	if (changed == 0)
		return 0;
	return is_from_topic(c) ? CHUNK_LOST : CHUNK_CHANGED;
}
