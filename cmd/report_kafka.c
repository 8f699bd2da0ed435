#include "report_kafka.h"

#include "kafka_lag.h"
#include "kafka_letters.h"
#include "ui.h"
#include "ui_kafka.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- whose a dead letter is ------------------------------------------------------------------- */

/* An event that a letter names. */
struct named {
	char name[EVENT_MAX + 1];
	char id[UUID_LEN + 1]; /* "": there is no such event */
};

struct count {
	struct redis *redis;
	const struct place *place;
	const char *id;
	struct named *named; /* each asked for once */
	size_t names;
	int64_t ours, nobodys;
};

static int ask_id(struct redis *redis, struct named *named, struct fault *why)
{
	struct place place;
	struct event event;

	if (place_init(&place, ui.config.prefix, named->name, why) < 0)
		return -1;
	if (event_show(redis, &place, &event, why) == 0)
		strcpy(named->id, event.id);
	else if (!why->no_event)
		return -1;
	return 0;
}

/* NULL and why. */
static const struct named *find(struct count *c, const char *name, struct fault *why)
{
	struct named named = {0}, *more;

	for (size_t i = 0; i < c->names; i++)
		if (strcmp(c->named[i].name, name) == 0)
			return &c->named[i];
	more = realloc(c->named, (c->names + 1) * sizeof *more);
	if (!more) {
		fault_errno(why, EX_OSERR, "events");
		return NULL;
	}
	c->named = more;
	strcpy(named.name, name);
	if (ask_id(c->redis, &named, why) < 0)
		return NULL;
	more[c->names] = named;
	return &more[c->names++];
}

static bool same_id(const char *id, const struct winner *winner)
{
	return *id && (!*winner->id || strcmp(id, winner->id) == 0);
}

/* Another event's has its place in the report on that one. */
static int count_letter(void *self, const struct letter *letter, struct fault *why)
{
	const struct winner *winner = &letter->winner;
	struct count *c = self;
	bool here = strcmp(winner->event, c->place->name) == 0;
	const struct named *other = NULL;

	if (!here && *winner->event) {
		other = find(c, winner->event, why);
		if (!other)
			return -1;
	}
	if (here && same_id(c->id, winner))
		c->ours++;
	else if (!other || !same_id(other->id, winner))
		c->nobodys++;
	return 0;
}

/* --- an event's rows -------------------------------------------------------------------------- */

/* Warns of what is not known because of it; -1 where that would hide a mistake of ours. */
static int doubt(const struct fault *bad, const char *what, struct fault *why)
{
	char line[sizeof bad->line + 64];

	*why = *bad;
	if (bad->status == EX_USAGE || bad->status == EX_OSERR)
		return -1;
	snprintf(line, sizeof line, "%s: its %s not known", bad->line, what);
	ui_warn(line);
	return 0;
}

/* What Kafka knows of an event; what is not known is -1, or false. */
struct heard {
	int64_t lag;
	bool drained, counted;
};

static int ask(struct kafka *kafka, struct count *c, struct heard *heard, struct fault *why)
{
	struct lag all = {0};
	struct fault bad;
	int result = 0;

	if (kafka_lag(kafka, &all, &bad) < 0)
		result = doubt(&bad, "lag and dead letters are", why);
	else
		heard->lag = all.total;
	heard->drained = all.drained;
	lag_release(&all);
	if (result < 0 || heard->lag < 0)
		return result;
	if (kafka_dead_letters(kafka, count_letter, c, &bad) < 0)
		result = doubt(&bad, "dead letters are", why);
	else
		heard->counted = true;
	free(c->named);
	return result;
}

/* --- winners that nobody will issue ----------------------------------------------------------- */

/* Whose records were out before it was asked how far the issuers are, were all committed by them then,
 * and who has no code even after that: what Redis knew of it is lost, and no issuer reads them again. */
struct stranded {
	int64_t upto; /* the last ticket whose record is out */
	int64_t count;
};

static int count_stranded(void *self, const struct report_row *row, struct fault *why)
{
	struct stranded *s = self;

	(void)why;
	s->count += row->issued.winner.ticket <= s->upto && strcmp(row->state, "granted") == 0;
	return 0;
}

/* How many; -1 and why. */
static int64_t look_stranded(struct report_source *source, const struct event *e, struct fault *why)
{
	struct stranded s = {.upto = e->published_winners};
	const struct report_visitor visitor = {.self = &s, .row = count_stranded};
	struct event later;
	char line[320];

	if (source->read(source, &visitor, &later, why) < 0)
		return -1;
	snprintf(line, sizeof line,
		 "event '%s': %" PRId64
		 " winners have no code though their records were read: redis has "
		 "lost it: run fcfs-archive rebuild --replace %s, with the ledger",
		 source->event, s.count, source->event);
	if (s.count > 0)
		ui_warn(line);
	return s.count;
}

int report_kafka(struct table *t, const struct origin *from, const struct report *r,
		 struct fault *why)
{
	const struct event *e = &r->event;
	struct count count = {.redis = from->redis, .place = from->place, .id = e->id};
	struct heard heard = {.lag = -1};
	int64_t stranded = r->unissued ? -1 : 0;
	struct kafka *kafka = NULL;
	struct fault bad;
	int result;

	if (*e->bus ? strcmp(e->bus, "kafka") != 0 : !*ui.config.brokers)
		return 0;
	if (from->redis)
		kafka = ui_kafka_of(from->place->name, &bad);
	if (kafka)
		result = ask(kafka, &count, &heard, why);
	else
		result = from->redis ? doubt(&bad, "lag and dead letters are", why) : 0;
	kafka_close(kafka);
	if (result == 0 && heard.drained && r->unissued &&
	    (stranded = look_stranded(from->source, e, why)) < 0)
		return -1;
	table_int_if(t, stranded >= 0, "stranded", stranded);
	table_int(t, "unpublished_requests", e->in_line - e->published_requests);
	table_int(t, "unpublished_winners", e->cursor - e->published_winners);
	table_int(t, "unpublished_decisions", e->seq - e->published_seq);
	table_int_if(t, heard.lag >= 0, "kafka_lag", heard.lag);
	table_int_if(t, heard.counted, "dead_letters", count.ours);
	table_int_if(t, heard.counted, "dead_letters_other", count.nobodys);
	return result;
}

/* --- offsets ---------------------------------------------------------------------------------- */

static int print_json(const char *topic, int32_t partition, const struct lag_part *p,
		      struct fault *why)
{
	struct buffer line = {0};
	int result;

	json_begin(&line);
	json_cstring(&line, "topic", topic);
	json_int(&line, "partition", partition);
	if (p->committed >= 0)
		json_int(&line, "committed", p->committed);
	else
		json_none(&line, "committed");
	json_int(&line, "last_stable", p->stable);
	json_int(&line, "lag", p->lag);
	json_end(&line);
	result = ui_line(&line, why);
	buffer_release(&line);
	return result;
}

static int print_text(const char *topic, int32_t partition, const struct lag_part *p,
		      struct fault *why)
{
	char committed[24] = "-";

	if (p->committed >= 0)
		snprintf(committed, sizeof committed, "%" PRId64, p->committed);
	printf("%s\t%" PRId32 "\t%s\t%" PRId64 "\t%" PRId64 "\n", topic, partition, committed,
	       p->stable, p->lag);
	return ferror(stdout) ? fault_errno(why, EX_IOERR, "standard output") : 0;
}

int report_offsets(struct fault *why)
{
	struct lag lag = {0};
	struct kafka *kafka;
	int result;

	if (!*ui.config.brokers)
		ui_misuse("--offsets needs -b or FCFS_BROKERS");
	kafka = ui_kafka(NULL, why);
	if (!kafka)
		return -1;
	result = kafka_lag(kafka, &lag, why);
	for (int32_t p = 0; p < lag.parts && result == 0; p++)
		result = (ui.json ? print_json : print_text)(kafka_topic(kafka, TOPIC_WINNERS), p,
							     &lag.part[p], why);
	lag_release(&lag);
	kafka_close(kafka);
	return result;
}
