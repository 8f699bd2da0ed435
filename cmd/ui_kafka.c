#include "ui_kafka.h"

#include "ui.h"

struct kafka *ui_kafka(const char *stats_file, struct fault *why)
{
	struct kafka_options options = {.brokers = ui.config.brokers,
					.prefix = ui.config.prefix,
					.properties_file = ui.config.kafka_properties,
					.property = ui.property,
					.stats_file = stats_file,
					.connect_timeout_ms = ui.config.connect_timeout_ms,
					.reconnect_ms = ui.config.reconnect_ms,
					.control = &ui_control};
	struct kafka *kafka;

	return kafka_open(&options, &kafka, why) < 0 ? NULL : kafka;
}

struct kafka *ui_kafka_of(const char *event, struct fault *why)
{
	if (*ui.config.brokers)
		return ui_kafka(NULL, why);
	fault_set(why, EX_CONFIG,
		  "event '%s' goes through kafka and no brokers are set: set -b or FCFS_BROKERS",
		  event);
	return NULL;
}
