/*
 * table.h - facts as NAME VALUE lines: aligned on a terminal, TABs in a pipe, one object with -j.
 * A value that is not there is "-", in JSON null.
 */
#ifndef FCFS_TABLE_H
#define FCFS_TABLE_H

#include "buffer.h"
#include "fault.h"

struct table {
	struct buffer out;
	bool json;
	int width; /* of the names, on a terminal; 0: TABs */
};

void table_begin(struct table *);
void table_text(struct table *, const char *name, const char *value); /* "" is none */
void table_int(struct table *, const char *name, int64_t value);
void table_int_if(struct table *, bool there, const char *name, int64_t value); /* else none */
void table_number(struct table *, const char *name, double value);		/* NAN is none */
void table_time(struct table *, const char *name, int64_t us);	       /* RFC 3339; 0 is none */
void table_object(struct table *, const char *name, const char *json); /* as it is */
void table_none(struct table *, const char *name);

/* Prints and releases. */
int table_end(struct table *, struct fault *why);

#endif
