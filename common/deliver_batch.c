#include "clock.h"
#include "deliver_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- parcels and their keys ------------------------------------------------------------------- */

static int compare_keys(const char *id, int64_t ticket, const struct slot *slot)
{
	const struct winner *winner = &slot->parcel->issued->winner;
	int order = strcmp(id, winner->id);

	return order ? order : (ticket > winner->ticket) - (ticket < winner->ticket);
}

static int compare_slots(const struct slot *a, const struct slot *b)
{
	const struct winner *winner = &a->parcel->issued->winner;

	return compare_keys(winner->id, winner->ticket, b);
}

/* Of twins the first to come is the first. */
static int by_key(const void *a, const void *b)
{
	const struct slot *x = *(struct slot *const *)a, *y = *(struct slot *const *)b;
	int order = compare_slots(x, y);

	return order ? order : (x > y) - (x < y);
}

static int is_for(const void *answer, const void *slot)
{
	const struct answer *a = answer;

	return compare_keys(a->id, a->ticket, *(struct slot *const *)slot);
}

static struct slot *first_twin(struct slot *slot)
{
	return slot->twin ? slot->twin : slot;
}

struct slot *batch_find(const struct batch *b, const struct answer *answer)
{
	struct slot **found = bsearch(answer, b->by_key, b->count, sizeof *found, is_for);

	return found ? first_twin(*found) : NULL;
}

static void find_twins(struct batch *b)
{
	qsort(b->by_key, b->count, sizeof *b->by_key, by_key);
	for (size_t i = 1; i < b->count; i++)
		if (compare_slots(b->by_key[i - 1], b->by_key[i]) == 0)
			b->by_key[i]->twin = first_twin(b->by_key[i - 1]);
}

int batch_init(struct batch *b, struct parcel *parcel, size_t count, struct fault *why)
{
	*b = (struct batch){.count = count, .now_ms = clock_ms()};
	b->slot = calloc(count + 1, sizeof *b->slot);
	b->by_key = calloc(count + 1, sizeof *b->by_key);
	TAILQ_INIT(&b->waiting);
	TAILQ_INIT(&b->asked);
	TAILQ_INIT(&b->later);
	if (!b->slot || !b->by_key)
		return fault_errno(why, EX_OSERR, "delivery");
	for (size_t i = 0; i < count; i++) {
		parcel[i] = (struct parcel){.issued = parcel[i].issued};
		b->slot[i].parcel = &parcel[i];
		b->by_key[i] = &b->slot[i];
	}
	find_twins(b);
	for (size_t i = 0; i < count; i++) {
		if (b->slot[i].twin)
			continue;
		TAILQ_INSERT_TAIL(&b->waiting, &b->slot[i], link);
		b->unsettled++;
	}
	return 0;
}

static void copy_verdict(const struct slot *slot)
{
	const struct issued *issued = slot->parcel->issued;

	*slot->parcel = *slot->twin->parcel;
	slot->parcel->issued = issued;
}

void batch_release(struct batch *b)
{
	if (b->slot && b->by_key)
		for (size_t i = 0; i < b->count; i++)
			if (b->slot[i].twin)
				copy_verdict(&b->slot[i]);
	free(b->slot);
	free(b->by_key);
}

bool batch_has_other(const struct batch *b, unsigned streak)
{
	const struct slot *slot;

	for (slot = TAILQ_FIRST(&b->waiting); slot; slot = TAILQ_NEXT(slot, link))
		if (slot->streak != streak)
			return true;
	return false;
}

/* --- steps ------------------------------------------------------------------------------------ */

void batch_ask(struct batch *b, struct slot *slot)
{
	TAILQ_REMOVE(&b->waiting, slot, link);
	if (TAILQ_EMPTY(&b->asked))
		b->oldest_ms = b->now_ms;
	slot->state = ASKED;
	TAILQ_INSERT_TAIL(&b->asked, slot, link);
	b->in_flight++;
}

static void take_back(struct batch *b, struct slot *slot)
{
	if (slot == TAILQ_FIRST(&b->asked))
		b->oldest_ms = b->now_ms;
	TAILQ_REMOVE(&b->asked, slot, link);
	b->in_flight--;
}

static void settle(struct batch *b, struct slot *slot, enum verdict verdict)
{
	slot->state = SETTLED;
	slot->parcel->verdict = verdict;
	b->unsettled--;
}

void batch_deliver(struct batch *b, struct slot *slot)
{
	take_back(b, slot);
	slot->parcel->attempts++;
	slot->parcel->delivered_us = clock_now_us();
	settle(b, slot, DELIVERED);
}

/* The text, in `line`, without the code. */
static void hide_code(struct fault *line, const char *text, const char *code)
{
	const char *at = *code ? strstr(text, code) : NULL;
	char shown[sizeof line->line];
	size_t used = 0;

	for (; at && used + sizeof "[code]" < sizeof shown; at = strstr(text, code)) {
		used += (size_t)snprintf(shown + used, sizeof shown - used, "%.*s[code]",
					 (int)(at - text), text);
		if (used >= sizeof shown)
			used = sizeof shown - 1;
		text = at + strlen(code);
	}
	snprintf(shown + used, sizeof shown - used, "%s", text);
	fault_set(line, EX_DATAERR, "%s", shown);
}

/* As many whole characters as there is room for. */
static void set_why(struct parcel *parcel, const char *text)
{
	struct fault plain;
	size_t len, size, used = 0;
	uint32_t point;

	hide_code(&plain, text, parcel->issued->code);
	len = strlen(plain.line);
	while (used < len) {
		size = name_character(plain.line + used, len - used, &point);
		if (size == 0 || used + size >= sizeof parcel->why)
			break;
		used += size;
	}
	memcpy(parcel->why, plain.line, used);
	parcel->why[used] = '\0';
}

void batch_fail(struct batch *b, struct slot *slot, const struct retry *retry, int status,
		const char *text)
{
	struct parcel *parcel = slot->parcel;

	take_back(b, slot);
	parcel->attempts++;
	parcel->last_us = clock_now_us();
	if (!parcel->first_us)
		parcel->first_us = parcel->last_us;
	set_why(parcel, text);
	if (remedy_of(PART_DELIVERY, status) != REMEDY_AGAIN) {
		settle(b, slot, UNDELIVERABLE);
	} else if (parcel->attempts > retry->retries) {
		settle(b, slot, EXHAUSTED);
	} else {
		slot->state = LATER;
		slot->due_ms = b->now_ms + retry_delay_ms(retry, parcel->attempts);
		TAILQ_INSERT_TAIL(&b->later, slot, link);
	}
}

void batch_ask_again(struct batch *b)
{
	struct slot *slot;

	while ((slot = TAILQ_LAST(&b->asked, queue))) {
		take_back(b, slot);
		slot->state = WAITING;
		TAILQ_INSERT_HEAD(&b->waiting, slot, link);
	}
}

void batch_wake(struct batch *b)
{
	struct slot *slot, *after;

	for (slot = TAILQ_FIRST(&b->later); slot; slot = after) {
		after = TAILQ_NEXT(slot, link);
		if (slot->due_ms > b->now_ms)
			continue;
		TAILQ_REMOVE(&b->later, slot, link);
		slot->state = WAITING;
		TAILQ_INSERT_TAIL(&b->waiting, slot, link);
	}
}
