#include "people.h"

#include "clock.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 65536, PAGE = 1000 };

struct people {
	char **args;
	int fd;
	bool ended;
	char *block;
	size_t start, end;
	char carry[PERSON_MAX + 1]; /* the beginning of a line that crosses blocks */
	size_t carried;
	bool carrying;
	struct redis *redis;
	const struct place *place;
	struct reply page;
	int64_t rank;
	int64_t taken;
	int64_t read_us;
};

static struct people *new_people(void)
{
	struct people *people = calloc(1, sizeof *people);

	if (people)
		people->fd = -1;
	return people;
}

static void keep(struct person *person, const char *name, size_t len, int64_t read_us)
{
	person->invalid = name_person_fault(name, len);
	person->len = (unsigned char)(len < PERSON_MAX ? len : PERSON_MAX);
	memcpy(person->name, name, person->len);
	person->read_us = read_us;
}

struct people *people_from_args(char **names)
{
	struct people *people = new_people();

	if (people)
		people->args = names;
	return people;
}

struct people *people_from_fd(int fd)
{
	struct people *people = new_people();

	if (!people)
		return NULL;
	people->fd = fd;
	people->block = malloc(BLOCK);
	if (people->block)
		return people;
	people_close(people);
	return NULL;
}

static int next_page(struct people *people, struct fault *why)
{
	char first[21], last[21];

	reply_release(&people->page);
	snprintf(first, sizeof first, "%lld", (long long)people->rank);
	snprintf(last, sizeof last, "%lld", (long long)people->rank + PAGE - 1);
	if (redis_words(people->redis, &people->page, why, "ZRANGE", people->place->line_key, first,
			last, NULL) < 0)
		return -1;
	people->rank += PAGE;
	people->read_us = clock_us();
	return reply_more(&people->page) ? PEOPLE_NAME : PEOPLE_END;
}

struct people *people_from_line(const struct redis_options *options, const struct place *place,
				struct fault *why)
{
	struct people *people = new_people();

	if (!people)
		return fault_errno(why, EX_OSERR, "people"), NULL;
	people->place = place;
	if (redis_open(options, &people->redis, why) == 0)
		return people;
	people_close(people);
	return NULL;
}

void people_close(struct people *people)
{
	if (!people)
		return;
	reply_release(&people->page);
	redis_close(people->redis);
	free(people->block);
	free(people);
}

static void carry(struct people *people, const char *bytes, size_t len)
{
	size_t room = sizeof people->carry - people->carried;

	memcpy(people->carry + people->carried, bytes, len < room ? len : room);
	people->carried += len < room ? len : room;
	people->carrying = true;
}

static void keep_carried(struct people *people, struct person *person)
{
	keep(person, people->carry, people->carried, people->read_us);
	people->carried = 0;
	people->carrying = false;
}

/* The line that begins in the block, or the rest of one carried over. False: it goes on. */
static bool line_from_block(struct people *people, struct person *person)
{
	char *start = people->block + people->start;
	size_t left = people->end - people->start;
	char *newline = memchr(start, '\n', left);
	size_t len = newline ? (size_t)(newline - start) : left;

	people->start += newline ? len + 1 : len;
	if (newline && !people->carrying) {
		keep(person, start, len, people->read_us);
		return true;
	}
	carry(people, start, len);
	if (newline)
		keep_carried(people, person);
	return newline != NULL;
}

static int take_line(struct people *people, struct person *person)
{
	while (people->start < people->end)
		if (line_from_block(people, person))
			return PEOPLE_NAME;
	if (!people->ended)
		return PEOPLE_PAUSE;
	if (!people->carrying)
		return PEOPLE_END;
	keep_carried(people, person);
	return PEOPLE_NAME;
}

static int take_from_page(struct people *people, struct person *person, struct fault *why)
{
	const char *name;
	size_t len;

	if (!reply_more(&people->page)) {
		int state = next_page(people, why);

		if (state != PEOPLE_NAME)
			return state;
	}
	name = reply_text(&people->page, &len);
	keep(person, name, len, people->read_us);
	return reply_check(&people->page, people->place->line_key, why) ? -1 : PEOPLE_NAME;
}

static int take(struct people *people, struct person *person, struct fault *why)
{
	if (people->block)
		return take_line(people, person);
	if (people->redis)
		return take_from_page(people, person, why);
	if (!*people->args)
		return PEOPLE_END;
	keep(person, *people->args, strlen(*people->args), clock_us());
	people->args++;
	return PEOPLE_NAME;
}

int people_take(struct people *people, struct person *person, struct fault *why)
{
	int state = take(people, person, why);

	if (state == PEOPLE_NAME)
		person->number = ++people->taken;
	return state;
}

int people_fd(const struct people *people)
{
	return people->fd;
}

int people_read(struct people *people, struct fault *why)
{
	ssize_t got;

	assert(people->start == people->end);
	got = read(people->fd, people->block, BLOCK);
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (got < 0)
		return fault_errno(why, EX_IOERR, "standard input");
	people->start = 0;
	people->end = (size_t)got;
	people->ended = got == 0;
	people->read_us = clock_us();
	return 0;
}
