#include "kafka_each.h"

#include "kafka_private.h"

struct visitor {
	int (*visit)(void *, const struct kafka_record *, struct fault *);
	void *self;
};

static int visit_message(void *self, const rd_kafka_message_t *message, struct fault *why)
{
	const struct visitor *v = self;
	const struct kafka_record record = {.partition = message->partition,
					    .offset = message->offset,
					    .bytes = message->payload,
					    .len = message->len,
					    .raw = message};

	return v->visit(v->self, &record, why);
}

int kafka_each(struct kafka *k, enum topic topic,
	       int (*visit)(void *, const struct kafka_record *, struct fault *), void *self,
	       int64_t *gone, struct fault *why)
{
	struct visitor v = {visit, self};
	int32_t parts = kafka_partitions(k, topic, why);
	struct range range;

	*gone = 0;
	for (int32_t p = 0; p < parts; p++) {
		if (kafka_wait_settled(k, topic, p, NULL, &range, why) < 0 ||
		    kafka_scan(k, topic, p, range.low, range.stable, visit_message, &v, why) < 0)
			return -1;
		*gone += range.low;
	}
	return parts < 0 ? -1 : 0;
}

const char *kafka_record_text(const struct kafka_record *record, const char *name, size_t *len)
{
	return kafka_header(record->raw, name, len);
}

int64_t kafka_record_int(const struct kafka_record *record, const char *name)
{
	return kafka_header_int(record->raw, name);
}

int kafka_read_progress(struct kafka *k, const char *event_id, struct progress *progress,
			struct fault *why)
{
	struct sink nobody = {0};

	return kafka_progress(k, event_id, &nobody, progress, why);
}
