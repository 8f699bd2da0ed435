/* rebuild_find.c - which event a name means, by its log. */
#include "rebuild.h"

#include "kafka_each.h"
#include "record.h"

#include <string.h>

struct search {
	const char *event;
	int64_t newest_us;
	char *id;
};

static int look(void *self, const struct kafka_record *record, struct fault *why)
{
	struct search *s = self;
	struct creation creation;

	(void)why;
	if (!record->bytes || !record_read_creation(record->bytes, record->len, &creation) ||
	    strcmp(creation.event, s->event) != 0 || creation.at_us < s->newest_us)
		return 0;
	s->newest_us = creation.at_us;
	strcpy(s->id, creation.id);
	return 0;
}

int rebuild_find(struct kafka *kafka, const struct place *place, char id[UUID_LEN + 1],
		 struct fault *why)
{
	struct search search = {.event = place->name, .id = id};
	int64_t gone;

	*id = '\0';
	if (kafka_each(kafka, TOPIC_LOG, look, &search, &gone, why) < 0)
		return -1;
	return *id ? 0
		   : fault_set(why, EX_CONFIG, "event '%s': topic '%s' knows no such event",
			       place->name, kafka_topic(kafka, TOPIC_LOG));
}
