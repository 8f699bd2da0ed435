/*
 * name.h - which names are legal, and how any other byte is shown.
 *
 * event and prefix: [A-Za-z0-9._-]{1,64}.
 * person: 1-128 bytes of valid UTF-8 (RFC 3629) without C0, DEL, C1, Unicode White_Space, U+200B,
 * U+FEFF and bidi controls (U+061C, U+200E-200F, U+202A-202E, U+2066-2069). ':' and '@' are fine.
 */
#ifndef FCFS_NAME_H
#define FCFS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EVENT_MAX = 64, PERSON_MAX = 128, CODE_MAX = 128, UUID_LEN = 36 };

bool name_is_event(const char *name, size_t len);

/* NULL for a legal person, else why not: a constant like "longer than 128 bytes". */
const char *name_person_fault(const char *bytes, size_t len);

/* The size of the UTF-8 character that bytes begin with, its code point in *point; 0 where they
 * begin with none (also for len 0). */
size_t name_character(const char *bytes, size_t len, uint32_t *point);

/* Is it valid UTF-8 without a NUL, as every reader of JSON takes it? */
bool name_is_text(const char *bytes, size_t len);

/* A UUID as libuuid prints it: 36 characters, lower case. */
bool name_is_uuid(const char *text, size_t len);

enum { NAME_SHOWN_MAX = 4 * PERSON_MAX + 1 };

/* Writes bytes as they may be shown: a legal person raw; otherwise printable ASCII raw but '\'
 * as \x5C, every other byte as \xHH. At most PERSON_MAX bytes are shown. NUL-terminated.
 * Returns the length. */
size_t name_show(char out[NAME_SHOWN_MAX], const char *bytes, size_t len);

/* The same for a text, of words: what a terminal would take for more than that, and bytes that are
 * not UTF-8, as \xHH; cut where out is full. NUL-terminated. Returns the length. */
size_t name_show_text(char *out, size_t size, const char *bytes, size_t len);

#endif
