#include "input.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int input_open(const char *path, struct fault *why)
{
	int fd;

	if (!path || strcmp(path, "-") == 0)
		return STDIN_FILENO;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, NULL, 0) == 0) /* a folder can be opened */
		return fd;
	fault_errno(why, EX_IOERR, "file '%s'", path);
	if (fd >= 0)
		close(fd);
	return -1;
}
