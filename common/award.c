#include "award.h"

#include "who.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool award_is_assigned(const struct award *award)
{
	return award->status == AWARD_ASSIGNED;
}

bool award_is_dead(const struct award *award)
{
	return award->status >= AWARD_FOREIGN;
}

bool award_given_up(const struct award *award)
{
	return award->status == AWARD_UNDELIVERABLE || award->status == AWARD_EXHAUSTED;
}

static void add_place(struct step *step, int32_t partition, int64_t offset)
{
	if (partition < 0) {
		step_text(step, "-");
		step_text(step, "-");
	} else {
		step_int(step, partition);
		step_int(step, offset);
	}
}

/* Of two winners with the same, the join times are as far apart as the tickets. */
static int64_t distance(const struct award *award)
{
	return award->issued.winner.joined_us - award->issued.winner.ticket;
}

static size_t stretch_of(struct award **award, size_t count)
{
	size_t length = 1;

	while (length < count && distance(award[length]) == distance(award[0]) &&
	       award[length]->replays == award[0]->replays)
		length++;
	return length;
}

static void begin_assign(struct step *step, const struct place *place, const char *run,
			 struct award **award, size_t count)
{
	step_begin(step, place, "award", false);
	step_text(step, award[0]->issued.winner.id);
	step_text(step, run);
	step_int(step, (int64_t)count);
	for (size_t i = 0; i < count; i++)
		step_text(step, award[i]->issued.winner.user);
	for (size_t i = 0; i < count; i++)
		step_int(step, award[i]->issued.winner.ticket);
	for (size_t i = 0; i < count; i++)
		step_text(step, award[i]->issued.code);
	for (size_t i = 0; i < count; i++)
		if (award[i]->partition < 0)
			step_text(step, "- -");
		else
			step_pair(step, award[i]->partition, award[i]->offset);
	for (size_t i = 0, length; i < count; i += length) {
		length = stretch_of(award + i, count - i);
		step_int(step, (int64_t)length);
		step_int(step, award[i]->replays);
	}
}

int award_assign_post(struct step *step, struct redis *redis, const struct place *place,
		      const char *run, struct award **award, size_t count, struct taker taker,
		      struct fault *why)
{
	begin_assign(step, place, run, award, count);
	return step_post(step, redis, taker, why);
}

int award_dry(const struct winner *winner, struct fault *why)
{
	return fault_set(why, EX_TEMPFAIL,
			 "event '%s': no code is left for ticket %" PRId64
			 ": load more with fcfs-codes load, and run again",
			 winner->event, winner->ticket);
}

/* What a step says of a ticket: a status, or the one word that is none. */
enum { DRY = AWARD_MALFORMED, FIRM = DRY, WORDS };

static const char *const AWARD_SAYS[WORDS] = {[AWARD_ASSIGNED] = "assigned",
					      [AWARD_ALREADY] = "already",
					      [AWARD_REFUSED] = "refused",
					      [AWARD_PARKED] = "parked",
					      [AWARD_ELSEWHERE] = "elsewhere",
					      [AWARD_FOREIGN] = "foreign",
					      [DRY] = "dry"};

static const char *const CONFIRM_SAYS[WORDS] = {
	[AWARD_ASSIGNED] = "assigned", [AWARD_ALREADY] = "already", [AWARD_REFUSED] = "refused",
	[AWARD_PARKED] = "parked",     [AWARD_TAKEN] = "taken",	    [FIRM] = "firm"};

/* How a stretch of winners fares. */
struct fate {
	int64_t length;
	size_t status;	  /* or DRY: the pool is */
	const char *code; /* "": what was offered to each */
	size_t code_len;
	int64_t joined_us, granted_us, issued_us; /* joined: the first of them */
};

static int read_fate(struct reply *reply, int64_t most, struct fate *fate, struct fault *why)
{
	fate->length = reply_int(reply);
	fate->status = reply_word(reply, AWARD_SAYS, WORDS);
	fate->code = reply_text(reply, &fate->code_len);
	fate->joined_us = reply_int(reply);
	fate->granted_us = reply_int(reply);
	fate->issued_us = reply_int(reply);
	if (fate->length < 1 || fate->length > most || fate->code_len > CODE_MAX)
		reply->unsound = true;
	return reply_check(reply, "award", why);
}

/* AFTER: so many tickets behind the first of them. */
static int meet(struct award *award, const struct fate *fate, int64_t after, struct fault *why)
{
	if (fate->status == DRY)
		return award_dry(&award->issued.winner, why);
	award->status = (enum award_status)fate->status;
	if (fate->status == AWARD_FOREIGN)
		snprintf(award->reason, sizeof award->reason, "%s", fate->code);
	else if (fate->status == AWARD_ELSEWHERE)
		award->elsewhere = (struct span){(int32_t)fate->granted_us, fate->issued_us + 1, 0};
	else if (fate->code_len)
		memcpy(award->issued.code, fate->code, fate->code_len + 1);
	award->issued.winner.joined_us = fate->joined_us + after;
	award->issued.winner.granted_us = fate->granted_us;
	award->issued.issued_us = fate->issued_us;
	return 0;
}

int award_assign_read(struct reply *reply, struct award **award, size_t count, struct fault *why)
{
	struct fate fate;

	for (size_t i = 0, end; i < count; i = end) {
		const int64_t first = award[i]->issued.winner.ticket;

		if (read_fate(reply, (int64_t)(count - i), &fate, why) < 0)
			return -1;
		end = i + (size_t)fate.length;
		for (size_t k = i; k < end; k++)
			if (meet(award[k], &fate, award[k]->issued.winner.ticket - first, why) < 0)
				return -1;
	}
	return reply_end(reply, "award", why);
}

int award_assign(struct step *step, struct redis *redis, const struct place *place, const char *run,
		 struct award **award, size_t count, struct fault *why)
{
	struct reply reply = {0};
	int result;

	begin_assign(step, place, run, award, count);
	if (step_call(step, place, redis, &reply, why) < 0)
		return -1;
	result = award_assign_read(&reply, award, count, why);
	reply_release(&reply);
	return result;
}

/* --- confirming ------------------------------------------------------------------------------- */

static bool is_decided(const struct award *award)
{
	return award_given_up(award) || (award_is_assigned(award) && award->delivered_us);
}

static void become(struct award *award, enum award_status status)
{
	bool delivered = award_is_assigned(award);
	const char *remark = "";

	if (status == AWARD_ASSIGNED)
		remark = "not delivered, but its code may be out already, so it is issued: "
			 "fcfs-leave --revoke gives its slot back";
	else if (delivered && (status == AWARD_PARKED || status == AWARD_REFUSED))
		remark = "delivered, but another run had given it up meanwhile";
	else if (!delivered && status == AWARD_TAKEN)
		remark = "not delivered, and left to another run that has it by now";
	snprintf(award->reason, sizeof award->reason, "%s", remark);
	award->status = status;
}

/* 1 where it is not what it was, 0, or -1. */
static int confirm_one(struct reply *reply, struct award *award, struct fault *why)
{
	const size_t status = reply_word(reply, CONFIRM_SAYS, WORDS);

	if (reply_check(reply, "confirm", why) < 0)
		return -1;
	if (status == AWARD_ASSIGNED)
		return 0;
	become(award, status == FIRM ? AWARD_ASSIGNED : (enum award_status)status);
	return 1;
}

static int read_confirmed(struct reply *reply, struct award **award, size_t count,
			  struct fault *why)
{
	int changed = 0;

	for (size_t i = 0; i < count; i++) {
		int result = is_decided(award[i]) ? confirm_one(reply, award[i], why) : 0;

		if (result < 0)
			return -1;
		changed += result;
	}
	return reply_end(reply, "confirm", why) < 0 ? -1 : changed;
}

int award_confirm(struct step *step, struct redis *redis, const struct place *place,
		  const char *run, struct award **award, size_t count, struct fault *why)
{
	struct reply reply = {0};
	size_t asked = 0;
	int result;

	step_begin(step, place, "confirm", false);
	step_text(step, award[0]->issued.winner.id);
	step_text(step, run);
	for (size_t i = 0; i < count; i++) {
		if (!is_decided(award[i]))
			continue;
		step_text(step, award[i]->issued.winner.user);
		step_text(step, award_given_up(award[i]) ? "park" : "issue");
		asked++;
	}
	if (asked == 0)
		return 0;
	if (step_call(step, place, redis, &reply, why) < 0)
		return -1;
	result = read_confirmed(&reply, award, count, why);
	reply_release(&reply);
	return result;
}

/* --- done and parked -------------------------------------------------------------------------- */

void award_done_begin(struct step *step, const struct place *place, const char *id)
{
	step_begin(step, place, "done", false);
	step_text(step, id);
}

void award_done_add(struct step *step, const char *user)
{
	step_text(step, user);
}

void award_park_begin(struct step *step, const struct place *place, const char *id, const char *run)
{
	step_begin(step, place, "park", false);
	step_text(step, id);
	step_text(step, run);
}

void award_park_add(struct step *step, const char *user, int32_t partition, int64_t offset)
{
	step_text(step, user);
	add_place(step, partition, offset);
}

int award_stranded(struct step *step, struct redis *redis, const struct place *place,
		   const struct span *span, size_t count, int64_t *scan, struct reply *reply,
		   struct fault *why)
{
	step_begin(step, place, "stranded", true);
	step_int(step, *scan);
	for (size_t i = 0; i < count; i++) {
		step_int(step, span[i].partition);
		step_int(step, span[i].offset > span[i].cut ? span[i].offset : span[i].cut);
	}
	if (step_call(step, place, redis, reply, why) < 0)
		return -1;
	*scan = reply_int(reply);
	return 0;
}

static void begin_of_ledger(struct step *step, const struct place *place, const char *name,
			    const struct issued *issued)
{
	step_begin(step, place, name, false);
	step_text(step, issued->winner.id);
	step_text(step, issued->winner.user);
	step_int(step, issued->winner.granted_us);
	step_int(step, issued->issued_us);
	step_text(step, issued->code);
}

int award_lift(struct step *step, struct redis *redis, const struct place *place, const char *id,
	       const char *user, struct span record, struct fault *why)
{
	step_begin(step, place, "lift", false);
	step_text(step, id);
	step_text(step, user);
	add_place(step, record.partition, record.offset);
	return step_number(step, place, redis, why) < 0 ? -1 : 0;
}

int award_adopt(struct step *step, struct redis *redis, const struct place *place,
		const struct issued *issued, struct fault *why)
{
	begin_of_ledger(step, place, "adopt", issued);
	return (int)step_number(step, place, redis, why);
}

int award_annul(struct step *step, struct redis *redis, const struct place *place,
		const struct issued *issued, struct fault *why)
{
	char who[WHO_MAX];

	begin_of_ledger(step, place, "annul", issued);
	step_text(step, who_am_i(who));
	return (int)step_number(step, place, redis, why);
}

static int read_replacement(struct reply *reply, struct issued *issued, struct award_other *other,
			    struct fault *why)
{
	enum { GONE, REPLACED, EMPTY, ANSWERS };
	static const char *const SAYS[ANSWERS] = {
		[GONE] = "gone", [REPLACED] = "assigned", [EMPTY] = "dry"};
	const size_t answer = reply_word(reply, SAYS, ANSWERS);
	size_t len;
	const char *code = reply_text(reply, &len);

	other->left = reply_int(reply);
	reply->unsound = reply->unsound || len > CODE_MAX;
	if (reply_check(reply, "replace", why) < 0)
		return -1;
	if (answer == EMPTY)
		return award_dry(&issued->winner, why);
	if (answer == REPLACED)
		memcpy(issued->code, code, len + 1);
	return answer == REPLACED;
}

int award_replace(struct step *step, struct redis *redis, const struct place *place,
		  struct issued *issued, struct award_other *other, struct fault *why)
{
	struct reply reply = {0};
	int result;

	step_begin(step, place, "replace", false);
	step_text(step, issued->winner.id);
	step_text(step, issued->winner.user);
	step_text(step, issued->code);
	step_text(step, other->fresh);
	step_text(step, other->returned ? "returned" : "live");
	if (step_call(step, place, redis, &reply, why) < 0)
		return -1;
	result = read_replacement(&reply, issued, other, why);
	reply_release(&reply);
	return result;
}
