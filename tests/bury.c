/*
 * bury.c - bury BROKERS TOPIC AGE_S VALUE NAME=HEADER...: a record of that age, in partition 0, which no tool of Kafka's
 * writes. Status 0 or 1.
 */
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int main(int argc, char **argv)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
	rd_kafka_resp_err_t error;
	rd_kafka_t *rk;

	if (argc < 5)
		return 1;
	rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], NULL, 0);
	rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
	if (!rk)
		return 1;
	for (int i = 5; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		rd_kafka_header_add(headers, argv[i], value - argv[i], value + 1, -1);
	}
	error = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(argv[2]), RD_KAFKA_V_PARTITION(0),
				  RD_KAFKA_V_TIMESTAMP((time(NULL) - atoll(argv[3])) * 1000),
				  RD_KAFKA_V_VALUE(argv[4], strlen(argv[4])),
				  RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
	if (!error)
		error = rd_kafka_flush(rk, 30000);
	rd_kafka_destroy(rk);
	return error != RD_KAFKA_RESP_ERR_NO_ERROR;
}
