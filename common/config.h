/*
 * config.h - settings from the environment, else the file, else the default.
 * The file is $FCFS_CONFIG, else /etc/fcfs.conf: KEY=value lines with the environment's names; '#'
 * starts a comment line; names that do not begin with FCFS_ are not ours, and passed over. A flag overrides
 * (cmd/ui.c).
 *
 *   FCFS_REDIS                redis://127.0.0.1:6379
 *   FCFS_REDIS_PASSWORD_FILE  none
 *   FCFS_PREFIX               none; characters as in an event's name
 *   FCFS_BROKERS              none: the pipe; HOST[:PORT], separated by commas
 *   FCFS_KAFKA_PROPERTIES     none
 *   FCFS_STATE                /var/lib/fcfs for root, else ~/.local/state/fcfs
 *   FCFS_CONNECT_TIMEOUT      3s
 *   FCFS_TIMEOUT              5s, for an answer
 *   FCFS_RECONNECT            30s, how long a lost connection is retried
 *   FCFS_WAIT                 none; N,MS: what is written counts once N replicas have it, within MS
 */
#ifndef FCFS_CONFIG_H
#define FCFS_CONFIG_H

#include "fault.h"
#include "name.h"
#include "redis.h"

#include <limits.h>

struct config {
	char redis[512];
	char password_file[PATH_MAX];
	char prefix[EVENT_MAX + 1];
	char brokers[1024];		 /* "": none, records go through the pipe */
	char kafka_properties[PATH_MAX]; /* "": none */
	char state[PATH_MAX];
	int64_t connect_timeout_ms;
	int64_t timeout_ms;
	int64_t reconnect_ms;
	struct config_wait {
		int64_t replicas, ms; /* 0: none are waited for */
	} wait;
};

/* EX_CONFIG names the file and line, or the variable, that is wrong. */
int config_load(struct config *, struct fault *why);

/* Sets what the option --OPTION sets, checked as the file and the environment are. EX_USAGE. */
int config_set_option(struct config *, const char *option, const char *value, struct fault *why);

struct redis_options config_redis(const struct config *);

#endif
