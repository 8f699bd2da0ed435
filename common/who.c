#include "who.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *who_host(char out[HOST_MAX + 1])
{
	out[0] = out[HOST_MAX] = '\0'; /* POSIX leaves the last byte of a cut name open */
	gethostname(out, HOST_MAX);
	if (!*out)
		strcpy(out, "localhost");
	return out;
}

const char *who_am_i(char out[WHO_MAX])
{
	char host[HOST_MAX + 1];

	snprintf(out, WHO_MAX, "%u@%s", (unsigned)getuid(), who_host(host));
	return out;
}
