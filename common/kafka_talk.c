/*
 * kafka_talk.c - what the clients say, from their own threads: lines, errors, statistics.
 */
#include "kafka_private.h"

#include "clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	struct kafka *k = rd_kafka_opaque(rk);
	size_t room;
	int len;

	(void)level;
	if (strcmp(facility, "CONFWARN") == 0) /* settings go to both kinds of client */
		return;
	pthread_mutex_lock(&k->lock);
	room = sizeof k->talk - k->talk_len;
	len = snprintf(k->talk + k->talk_len, room, "kafka: %s: %s\n", facility, text);
	if (len > 0 && (size_t)len < room)
		k->talk_len += (size_t)len;
	else
		k->untold++;
	pthread_mutex_unlock(&k->lock);
}

static void on_error(rd_kafka_t *rk, int code, const char *text, void *self)
{
	struct kafka *k = self;

	(void)rk;
	pthread_mutex_lock(&k->lock);
	if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !k->down_since_ms)
		k->down_since_ms = clock_ms();
	if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
		snprintf(k->trouble, sizeof k->trouble, "%s", text);
	k->refused = k->refused || code == RD_KAFKA_RESP_ERR__AUTHENTICATION;
	pthread_mutex_unlock(&k->lock);
}

/* One write a line: clients of several threads and processes append to the file. */
static int on_stats(rd_kafka_t *rk, char *json, size_t len, void *self)
{
	struct kafka *k = self;
	char end[] = "\n";
	const struct iovec line[] = {{json, len}, {end, 1}};

	(void)rk;
	(void)!writev(k->stats_fd, line, 2);
	return 0;
}

void kafka_speak(struct kafka *k)
{
	char talk[KAFKA_TALK], *line = talk, *end, rest[64];
	int64_t untold;

	pthread_mutex_lock(&k->lock);
	memcpy(talk, k->talk, k->talk_len);
	talk[k->talk_len] = '\0';
	untold = k->untold;
	k->talk_len = 0;
	k->untold = 0;
	pthread_mutex_unlock(&k->lock);
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		k->options.control->note(line);
	}
	snprintf(rest, sizeof rest, "kafka: %lld more lines", (long long)untold);
	if (untold)
		k->options.control->note(rest);
}

void kafka_listen(struct kafka *k, rd_kafka_conf_t *conf)
{
	rd_kafka_conf_set_log_cb(conf, on_log);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_opaque(conf, k);
	if (k->stats_fd >= 0)
		rd_kafka_conf_set_stats_cb(conf, on_stats);
}
