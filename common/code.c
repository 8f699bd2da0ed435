#include "code.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <uuid/uuid.h>

enum { POOL_SIZE = 4096, CODE_BYTES = 16 };

static unsigned char pool[POOL_SIZE];
static size_t pool_used = POOL_SIZE;

static int fill_pool(struct fault *why)
{
	size_t have = 0;

	while (have < sizeof pool) {
		ssize_t got = getrandom(pool + have, sizeof pool - have, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fault_errno(why, EX_OSERR, "cannot get random bytes");
		have += (size_t)got;
	}
	pool_used = 0;
	return 0;
}

static uint64_t big_endian(const unsigned char bytes[8])
{
	uint64_t word = 0;

	for (int i = 0; i < 8; i++)
		word = word << 8 | bytes[i];
	return word;
}

int code_random(char out[CODE_RANDOM_LEN + 1], struct fault *why)
{
	static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	uint64_t high, low;

	if (pool_used == sizeof pool && fill_pool(why) < 0)
		return -1;
	high = big_endian(pool + pool_used);
	low = big_endian(pool + pool_used + 8);
	explicit_bzero(pool + pool_used, CODE_BYTES);
	pool_used += CODE_BYTES;
	for (int i = CODE_RANDOM_LEN - 1; i >= 0; i--) {
		out[i] = alphabet[low & 31];
		low = low >> 5 | high << 59;
		high >>= 5;
	}
	out[CODE_RANDOM_LEN] = '\0';
	return 0;
}

void code_uuid(char out[CODE_UUID_LEN + 1])
{
	uuid_t id;

	uuid_generate_random(id);
	uuid_unparse_lower(id, out);
}

void code_chain(unsigned char digest[CODE_DIGEST], const void *bytes, size_t len)
{
	uuid_t next;

	uuid_generate_sha1(next, digest, bytes, len);
	uuid_copy(digest, next);
}

void code_digest_text(const unsigned char digest[CODE_DIGEST], char out[CODE_UUID_LEN + 1])
{
	uuid_unparse_lower(digest, out);
}

int code_make(bool uuid, char out[CODE_UUID_LEN + 1], struct fault *why)
{
	if (!uuid)
		return code_random(out, why);
	code_uuid(out);
	return 0;
}
