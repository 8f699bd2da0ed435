#include "output.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

void output_protect(void)
{
	struct stat out;

	if (fstat(STDOUT_FILENO, &out) == 0 && S_ISREG(out.st_mode) && out.st_uid == geteuid())
		(void)!fchmod(STDOUT_FILENO, 0600);
}
