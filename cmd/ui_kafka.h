/*
 * ui_kafka.h - the way to Kafka, for the mains that need it: apart from ui.h, because those that do
 * not link hiredis alone.
 */
#ifndef FCFS_UI_KAFKA_H
#define FCFS_UI_KAFKA_H

#include "kafka.h"

/* Connects to the brokers as configured, of which there must be some. stats_file: NULL is none;
 * borrowed for as long as the handle lives. NULL and why; kafka_close frees it. */
struct kafka *ui_kafka(const char *stats_file, struct fault *why);

/* The same to look after an event that goes through Kafka: EX_CONFIG where no brokers are configured. */
struct kafka *ui_kafka_of(const char *event, struct fault *why);

#endif
