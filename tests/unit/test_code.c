#include "code.h"
#include "name.h"
#include "tap.h"

#include <errno.h>
#include <stddef.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { POOL = 4096, CODES_A_POOL = POOL / 16, CODES = 20000 };

static const char ALPHABET[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static enum { REAL, COUNTING, SHORT, FAILING } source;
static int calls;

/* In place of the C library's, for this program: bytes that a test knows. */
ssize_t getrandom(void *out, size_t len, unsigned int flags)
{
	unsigned char *bytes = out;

	calls++;
	if (source == REAL)
		return syscall(SYS_getrandom, out, len, flags);
	if (source == FAILING || (source == SHORT && calls % 2)) {
		errno = source == FAILING ? ENOSYS : EINTR;
		return -1;
	}
	if (source == SHORT && len > 100)
		len = 100;
	for (size_t i = 0; i < len; i++)
		bytes[i] = (unsigned char)i;
	return (ssize_t)len;
}

/* What is left of a fetch depends on the tests before: use it up. */
static void use_up(void)
{
	char code[CODE_RANDOM_LEN + 1];
	struct fault why;
	int before = calls;

	while (calls == before)
		code_random(code, &why);
	for (int i = 1; i < CODES_A_POOL; i++)
		code_random(code, &why);
}

static void test_vectors(void)
{
	char code[CODE_RANDOM_LEN + 1];
	struct fault why;

	source = REAL;
	use_up();
	source = COUNTING;
	is_int(code_random(code, &why), 0, "a code of the bytes 00 01 .. 0F");
	is_str(code, "00041061050R3GG28A1C60T3GF", "... in Crockford's base32");
	is_int(code_random(code, &why), 0, "a code of the bytes 10 11 .. 1F");
	is_str(code, "0G2491650N2RBHG68T3CE1T7GZ", "... is the next one");
}

static void test_source(void)
{
	char code[CODE_RANDOM_LEN + 1];
	struct fault why;

	use_up();
	source = SHORT;
	is_int(code_random(code, &why), 0, "short and interrupted reads are continued");
	ok(calls > POOL / 100, "... until the pool is full");
	use_up();
	source = FAILING;
	is_int(code_random(code, &why), -1, "no random bytes");
	is_int(why.status, EX_OSERR, "... is the system's fault");
	has_str(why.line, "cannot get random bytes: ", "... and said so");
	is_int(code_random(code, &why), -1, "... and no code the next time either");
	source = REAL;
	is_int(code_random(code, &why), 0, "a code again when there are bytes");
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void test_many(void)
{
	static char codes[CODES][CODE_RANDOM_LEN + 1];
	static bool seen[CODE_RANDOM_LEN][32];
	struct fault why;
	int failed = 0, foreign = 0, twice = 0, missing = 0;

	for (int i = 0; i < CODES; i++) {
		failed += code_random(codes[i], &why) < 0;
		for (int at = 0; at < CODE_RANDOM_LEN; at++) {
			const char *digit = strchr(ALPHABET, codes[i][at]);

			foreign += !digit || !*digit || strlen(codes[i]) != CODE_RANDOM_LEN;
			if (digit && *digit)
				seen[at][digit - ALPHABET] = true;
		}
	}
	qsort(codes, CODES, sizeof *codes, compare);
	for (int i = 1; i < CODES; i++)
		twice += strcmp(codes[i - 1], codes[i]) == 0;
	for (int at = 0; at < CODE_RANDOM_LEN; at++) {
		for (int digit = 0; digit < 32; digit++)
			missing += seen[at][digit] != (at > 0 || digit < 8);
	}
	is_int(failed, 0, "20000 codes");
	is_int(foreign, 0, "... of 26 characters of the alphabet");
	is_int(twice, 0, "... all different");
	is_int(missing, 0, "... every digit at every place, the first 0 to 7");
}

static void test_uuid(void)
{
	char id[CODE_UUID_LEN + 1];
	char other[CODE_UUID_LEN + 1];

	code_uuid(id);
	code_uuid(other);
	ok(name_is_uuid(id, strlen(id)), "a UUID in lower case");
	ok(id[14] == '4' && strchr("89ab", id[19]), "... of version 4");
	ok(strcmp(id, other) != 0, "... and another");
}

int main(void)
{
	test_vectors();
	test_source();
	test_many();
	test_uuid();
	return done_testing();
}
