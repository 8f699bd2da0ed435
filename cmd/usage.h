/*
 * usage.h - how a tool is used, in one form or several; for ui.c, from the tool's table.
 */
#ifndef FCFS_USAGE_H
#define FCFS_USAGE_H

#include "ui.h"

#include <stdio.h>

/* The usage lines of the form that is meant by these words, an argv without the name. Of all forms where
 * words is NULL or tells none. */
void usage_print(FILE *to, const struct ui_tool *, char *const *words);

/* What each option means, on stdout. */
void usage_options(const struct ui_option *);

#endif
