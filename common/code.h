/*
 * code.h - gift codes and ids. A code never appears in a log or a fault.
 */
#ifndef FCFS_CODE_H
#define FCFS_CODE_H

#include "fault.h"

#include <stdbool.h>
#include <stddef.h>

enum { CODE_RANDOM_LEN = 26, CODE_UUID_LEN = 36 };

/* 128 bits of getrandom(2) as 26 characters of Crockford base32 (crockford.com/base32.html),
 * upper case, most significant bits first (the first character carries 3 of them).
 * NUL-terminated. -1 with EX_OSERR. Not thread-safe: random bytes are fetched 4 KiB at a time and
 * wiped as they are used; a child of fork() must not use what its parent fetched. */
int code_random(char out[CODE_RANDOM_LEN + 1], struct fault *why);

/* libuuid's uuid_generate_random (version 4), lower case. */
void code_uuid(char out[CODE_UUID_LEN + 1]);

/* The next digest of a chain: libuuid's uuid_generate_sha1 of these bytes in the namespace of the
 * digest before, which it replaces; the first is the nil UUID. */
enum { CODE_DIGEST = 16 };
void code_chain(unsigned char digest[CODE_DIGEST], const void *bytes, size_t len);
void code_digest_text(const unsigned char digest[CODE_DIGEST], char out[CODE_UUID_LEN + 1]);

/* One of either kind. */
int code_make(bool uuid, char out[CODE_UUID_LEN + 1], struct fault *why);

#endif
