/* record_json.h - for who knows jansson: a record's bytes as an object. */
#ifndef FCFS_RECORD_JSON_H
#define FCFS_RECORD_JSON_H

#include "record.h"

#include <jansson.h>

/* The caller releases it. NULL with EX_DATAERR and what is wrong, as for record_read_winner. */
json_t *record_load(const char *bytes, size_t len, struct fault *why);

#endif
