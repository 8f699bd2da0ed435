#include "who.h"

#include <stdio.h>
#include <unistd.h>

const char *who_am_i(char out[WHO_MAX])
{
	char host[65] = "";

	gethostname(host, sizeof host - 1);
	snprintf(out, WHO_MAX, "%u@%s", (unsigned)getuid(), *host ? host : "localhost");
	return out;
}
