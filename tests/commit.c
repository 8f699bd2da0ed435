/*
 * commit.c - commit BROKERS GROUP TOPIC PARTITION OFFSET: what no tool of Kafka's does, beyond the end, too. The group must
 * have no members. Status 0 or 1.
 */
#include <librdkafka/rdkafka.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_resp_err_t error;
	rd_kafka_t *rk;

	if (argc != 6)
		return 1;
	rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], NULL, 0);
	rd_kafka_conf_set(conf, "group.id", argv[2], NULL, 0);
	rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, NULL, 0);
	if (!rk)
		return 1;
	rd_kafka_topic_partition_list_add(list, argv[3], atoi(argv[4]))->offset = atoll(argv[5]);
	error = rd_kafka_commit(rk, list, 0);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_destroy(rk);
	return error != RD_KAFKA_RESP_ERR_NO_ERROR;
}
