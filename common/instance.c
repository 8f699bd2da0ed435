#include "instance.h"

#include "name.h"
#include "who.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOTS = 256 };

static int make_folder(const char *path, struct fault *why)
{
	char part[PATH_MAX];

	if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
		return fault_set(why, EX_CONFIG, "state folder: name too long");
	for (char *slash = part + 1; *slash; slash++) {
		if (*slash != '/')
			continue;
		*slash = '\0';
		mkdir(part, 0755);
		*slash = '/';
	}
	if (mkdir(part, 0700) == 0 || errno == EEXIST)
		return 0;
	return fault_errno(why, EX_CONFIG, "state folder '%s' (FCFS_STATE)", path);
}

/* 1 locked, 0 somebody holds it, -1 with errno. */
static int lock_slot(struct instance *instance, const char *folder, const char *tool,
		     const char *slot, struct fault *why)
{
	char path[PATH_MAX];
	int saved;

	errno = 0;
	if (snprintf(path, sizeof path, "%s/%s.%s", folder, tool, slot) >= (int)sizeof path)
		return fault_set(why, EX_CONFIG, "state folder: name too long");
	instance->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (instance->lock < 0) {
		saved = errno;
		fault_errno(why, EX_CONFIG, "lock file '%s' (FCFS_STATE)", path);
		errno = saved;
		return -1;
	}
	if (flock(instance->lock, LOCK_EX | LOCK_NB) == 0)
		return 1;
	instance_release(instance);
	return errno == EWOULDBLOCK ? 0 : fault_errno(why, EX_OSERR, "lock file '%s'", path);
}

static int take_given(struct instance *instance, const char *folder, const char *tool,
		      const char *given, struct fault *why)
{
	int locked;

	locked = lock_slot(instance, folder, tool, given, why);
	if (locked == 0)
		return fault_set(why, EX_TEMPFAIL, "instance '%s' is running already", given);
	snprintf(instance->name, sizeof instance->name, "%s", given);
	return locked < 0 ? -1 : 0;
}

int instance_check(const char *given, struct fault *why)
{
	return name_is_event(given, strlen(given))
		       ? 0
		       : fault_set(why, EX_USAGE, "--instance: 1-64 of A-Z a-z 0-9 . _ -");
}

int instance_take(struct instance *instance, const char *folder, const char *tool,
		  const char *given, struct fault *why)
{
	char host[HOST_MAX + 1], slot[16];

	instance->lock = -1;
	if (make_folder(folder, why) < 0)
		return -1;
	if (given)
		return take_given(instance, folder, tool, given, why);
	who_host(host);
	for (int k = 0; k < SLOTS; k++) {
		int locked;

		snprintf(slot, sizeof slot, "%d", k);
		locked = lock_slot(instance, folder, tool, slot, why);
		if (locked < 0 && errno == EACCES && access(folder, W_OK | X_OK) == 0)
			continue; /* another user's */
		if (locked < 0)
			return -1;
		snprintf(instance->name, sizeof instance->name, "%s-%u-%d", host,
			 (unsigned)getuid(), k);
		if (locked)
			return 0;
	}
	return fault_set(why, EX_TEMPFAIL, "all %d slots in '%s' are taken", SLOTS, folder);
}

void instance_release(struct instance *instance)
{
	int saved = errno;

	if (instance->lock >= 0)
		close(instance->lock);
	instance->lock = -1;
	errno = saved;
}
