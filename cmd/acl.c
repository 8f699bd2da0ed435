#include "acl.h"

#include <stdio.h>
#include <string.h>

struct role {
	const char *name;
	const char *functions; /* what it calls, by name without the version */
	const char *commands;  /* what those use: an inner command runs as the caller */
};

static const struct role ROLES[] = {
	{"fcfs-web", "join enter rank explain",
	 "ping select wait hget hmget hset hincrby zadd zcard zcount zmscore zscore zrank zrange zrangebyscore time"},
	{"fcfs-worker",
	 "show lease renew release serve mirror decisions award lift confirm done stranded park adopt annul "
	 "replace revoked run job free page seconds touch",
	 "ping select wait hget hmget hset hdel hlen hexists hgetall hincrby hscan zadd zcard zcount zmscore "
	 "zrank zrange zrangebyscore get set del pttl llen rpush ltrim lrange lset smembers time "
	 "config|get lpop lpush lrem"},
	{"fcfs-operator",
	 "create set show join enter leave parked revoked rank explain page seconds load loaded pool "
	 "touch",
	 "ping select wait hget hmget hset hdel hlen hexists hgetall hincrby hscan zadd zcard zcount zmscore "
	 "zscore zrank zrange zrangebyscore get pttl llen lrange rpush sadd smembers time config|get "
	 "info function|load"},
	{"fcfs-archivist",
	 "show archive archive_state archived purge restore_start restore restore_finish touch",
	 "ping select wait hget hmget hset hdel hlen hgetall hincrby zadd zcard zrange zrangebyscore get pttl "
	 "llen lrange rpush hscan sadd srem smembers unlink rename exists time config|get"},
	{"fcfs-auditor", "show archive archive_state explain",
	 "ping select get hmget hlen hgetall hscan zcard zmscore zrange zrank zrangebyscore pttl llen lrange time"},
};

static void print_words(const char *before, const char *words, const char *after)
{
	while (*words) {
		size_t len = strcspn(words, " ");

		printf("%s%.*s%s", before, (int)len, words, after);
		words += len + (words[len] == ' ');
	}
}

int acl_print(const char *prefix)
{
	char version[16];

	snprintf(version, sizeof version, "_%d", FCFS_PROTOCOL);
	for (size_t i = 0; i < sizeof ROLES / sizeof *ROLES; i++) {
		const struct role *role = &ROLES[i];

		printf("ACL SETUSER %s resetkeys ~%sfcfs:* resetchannels -@all", role->name,
		       prefix);
		printf(" +fcall|fcfs_version +fcall_ro|fcfs_version");
		print_words(" +fcall|fcfs_", role->functions, version);
		print_words(" +fcall_ro|fcfs_", role->functions, version);
		print_words(" +", role->commands, "");
		printf("\n");
	}
	return 0;
}
