/*
 * config.h - settings from the environment, else the file, else the default.
 * The file is $FCFS_CONFIG, else /etc/fcfs.conf: KEY=value lines with the environment's names; '#'
 * starts a comment line; other names are not ours, but those that begin with FCFS_. A flag overrides (cmd/ui.c).
 *
 *   FCFS_REDIS                redis://127.0.0.1:6379
 *   FCFS_REDIS_PASSWORD_FILE  none
 *   FCFS_PREFIX               none; characters as in an event's name
 *   FCFS_STATE                /var/lib/fcfs for root, else ~/.local/state/fcfs
 *   FCFS_CONNECT_TIMEOUT      3s
 *   FCFS_TIMEOUT              5s, for an answer
 *   FCFS_RECONNECT            30s, how long a lost connection is retried
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
	char state[PATH_MAX];
	int64_t connect_timeout_ms;
	int64_t timeout_ms;
	int64_t reconnect_ms;
};

/* EX_CONFIG names the file and line, or the variable, that is wrong. */
int config_load(struct config *, struct fault *why);

/* Sets one by its name, checked: what the file, the environment and flags all go through.
 * Returns 1 where the name is none of ours. `origin` goes in front of a fault. */
int config_set(struct config *, const char *name, const char *value, const char *origin,
	       struct fault *why);

struct redis_options config_redis(const struct config *);

#endif
