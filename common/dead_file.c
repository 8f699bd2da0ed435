#include "dead_file.h"

#include "buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct dead_file {
	char *path;
	int fd; /* -1: to be opened */
	struct buffer lines;
};

static int trouble(const struct dead_file *f, struct fault *why)
{
	return fault_errno(why, EX_IOERR, "dead letters '%s'", f->path);
}

/* --- the file --------------------------------------------------------------------------------- */

/* A file's name is durable only when its folder is. */
static int sync_folder(const struct dead_file *f, struct fault *why)
{
	const char *slash = strrchr(f->path, '/');
	char *folder = strndup(f->path, slash ? (size_t)(slash - f->path) + 1 : 0);
	int fd = folder ? open(*folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int result = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL) ? 0 : trouble(f, why);

	if (fd >= 0)
		close(fd);
	free(folder);
	return result;
}

static int open_file(struct dead_file *f, struct fault *why)
{
	f->fd = open(f->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (f->fd < 0)
		return trouble(f, why);
	return sync_folder(f, why);
}

static bool has_name(const struct dead_file *f)
{
	struct stat ours, named;

	return fstat(f->fd, &ours) == 0 && stat(f->path, &named) == 0 &&
	       ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* The lock, on the file that has the name. */
static int lock(struct dead_file *f, struct fault *why)
{
	for (;;) {
		if (f->fd < 0 && open_file(f, why) < 0)
			return -1;
		while (flock(f->fd, LOCK_EX) < 0)
			if (errno != EINTR)
				return trouble(f, why);
		if (has_name(f))
			return 0;
		close(f->fd);
		f->fd = -1;
	}
}

/* A part of a line, of a writer that was killed over it. */
static bool ends_in_part(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END);
	char last = '\n';

	return end > 0 && pread(fd, &last, 1, end - 1) == 1 && last != '\n';
}

static int write_all(struct dead_file *f, const char *bytes, size_t len, struct fault *why)
{
	while (len > 0) {
		ssize_t wrote = write(f->fd, bytes, len);

		if (wrote < 0 && errno != EINTR)
			return trouble(f, why);
		if (wrote > 0) {
			bytes += wrote;
			len -= (size_t)wrote;
		}
	}
	return 0;
}

static int append(struct dead_file *f, struct fault *why)
{
	off_t end;

	if (ends_in_part(f->fd) && write_all(f, "\n", 1, why) < 0)
		return -1;
	end = lseek(f->fd, 0, SEEK_END);
	if (write_all(f, f->lines.bytes, f->lines.len, why) == 0)
		return fsync(f->fd) == 0 ? 0 : trouble(f, why);
	(void)!ftruncate(f->fd, end); /* as when the disk is full */
	return -1;
}

int dead_file_sync(struct dead_file *f, struct fault *why)
{
	int result;

	if (f->lines.failed)
		return fault_set(why, EX_OSERR, "out of memory");
	if (f->lines.len == 0)
		return 0;
	if (lock(f, why) < 0)
		return -1;
	result = append(f, why);
	flock(f->fd, LOCK_UN);
	if (result == 0)
		buffer_clear(&f->lines);
	return result;
}

/* --- a line ----------------------------------------------------------------------------------- */

static void add_value(struct buffer *line, const char *bytes, size_t len)
{
	size_t kept = len < DEAD_VALUE_MAX ? len : DEAD_VALUE_MAX;

	if (name_is_text(bytes, kept))
		json_text(line, "value", bytes, kept);
	else
		json_base64(line, "value_base64", bytes, kept);
	if (kept < len)
		json_int(line, "truncated", (int64_t)len);
}

int dead_file_put(struct dead_file *f, const struct cause *cause, struct fault *why)
{
	struct buffer *line = &f->lines;

	json_begin(line);
	json_cstring(line, "type", "dead");
	json_cstring(line, "error_class", cause->kind);
	json_cstring(line, "error_message", cause->message);
	json_int(line, "attempts", cause->attempts);
	json_int(line, "first_failure_us", cause->first_us);
	json_int(line, "last_failure_us", cause->last_us);
	json_cstring(line, "original_topic", "-");
	json_int(line, "original_partition", -1);
	json_int(line, "original_offset", cause->record->number);
	json_int(line, "replays", cause->replays);
	json_cstring(line, "run", cause->run);
	add_value(line, cause->record->bytes, cause->record->len);
	json_end(line);
	buffer_add(line, "\n", 1);
	return line->failed ? fault_set(why, EX_OSERR, "out of memory") : 0;
}

/* --- opening and closing ---------------------------------------------------------------------- */

int dead_file_open(const char *path, struct dead_file **opened, struct fault *why)
{
	struct dead_file *f = calloc(1, sizeof *f);

	*opened = NULL;
	if (f)
		f->path = strdup(path);
	if (!f || !f->path) {
		free(f);
		return fault_set(why, EX_OSERR, "out of memory");
	}
	if (open_file(f, why) == 0)
		return *opened = f, 0;
	why->status = EX_CONFIG;
	dead_file_close(f);
	return -1;
}

void dead_file_close(struct dead_file *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	buffer_release(&f->lines);
	free(f->path);
	free(f);
}
