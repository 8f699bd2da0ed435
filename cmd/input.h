/*
 * input.h - a file that is named, or standard input.
 */
#ifndef FCFS_INPUT_H
#define FCFS_INPUT_H

#include "fault.h"

/* Standard input for NULL and "-". A descriptor, or -1 with EX_IOERR. */
int input_open(const char *path, struct fault *why);

#endif
