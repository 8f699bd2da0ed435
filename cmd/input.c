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
	return fd < 0 ? fault_errno(why, EX_IOERR, "file '%s'", path) : fd;
}
