#include "stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

struct call {
	size_t count; /* people in it */
	size_t asked; /* of them sent: the others are invalid */
	struct person person[STREAM_BATCH];
};

struct stream {
	struct redis *redis;
	const struct question *question;
	struct people *people;
	const struct listener *listener;
	const struct control *control;
	struct step step;
	struct call
		*call; /* a ring of STREAM_CALLS: sent ones from `head` on, then the filling one */
	size_t head, sent;
	bool paused, ended, flushed;
	bool warned; /* that too few replicas have something */
};

static struct call *filling(struct stream *s)
{
	return &s->call[(s->head + s->sent) % STREAM_CALLS];
}

static bool has_room(const struct stream *s)
{
	return s->sent < STREAM_CALLS;
}

/* Takes people until the call is full, or there are none, or no more of them. */
static int fill(struct stream *s, struct fault *why)
{
	struct call *call = filling(s);

	s->paused = false;
	while (!s->ended && !s->paused && call->count < STREAM_BATCH) {
		struct person *person = &call->person[call->count];
		int state = people_take(s->people, person, why);

		if (state < 0)
			return -1;
		if (state == PEOPLE_NAME) {
			call->count++;
			call->asked += person->invalid == NULL;
		}
		s->paused = state == PEOPLE_PAUSE;
		s->ended = state == PEOPLE_END || s->control->stopping();
	}
	return 0;
}

static void add_person(struct stream *s, const struct person *person)
{
	step_bytes(&s->step, person->name, person->len);
	if (s->question->numbered)
		step_int(&s->step, person->number);
}

static int send_call(struct stream *s, struct fault *why)
{
	struct call *call = filling(s);

	s->sent++;
	s->flushed = false;
	if (call->asked == 0)
		return 0;
	step_begin(&s->step, s->question->place, s->question->function, s->question->reads_only);
	for (size_t i = 0; i < 2 && s->question->args[i]; i++)
		step_text(&s->step, s->question->args[i]);
	for (size_t i = 0; i < call->count; i++)
		if (!call->person[i].invalid)
			add_person(s, &call->person[i]);
	return step_send(&s->step, s->redis, why);
}

/* An answer, and how many people it is still about. */
struct row {
	int64_t people;
	struct cell cell[STREAM_COLUMNS];
};

static void set_number(struct cell *cell, int64_t number)
{
	cell->number = number;
	cell->text = cell->digits;
	cell->len = int_digits(cell->digits, number);
}

static void read_cell(struct cell *cell, struct reply *reply, char type)
{
	if (type == 'i' || (type == 'v' && reply_is_int(reply))) {
		set_number(cell, reply_int(reply));
		return;
	}
	cell->number = 0;
	cell->text = reply_text(reply, &cell->len);
}

static void read_row(struct row *row, struct reply *reply, const char *types)
{
	struct cell *cell = row->cell;

	row->people = 1;
	for (; *types; types++) {
		if (*types == 'n')
			row->people = reply_int(reply);
		else
			read_cell(cell++, reply, *types);
	}
	reply->unsound = reply->unsound || row->people < 1;
}

/* To the next one of its people. */
static void step_row(struct row *row, const char *types)
{
	struct cell *cell = row->cell;

	for (; *types; types++) {
		if (*types == 'i' && cell->number != 0)
			set_number(cell, cell->number + 1);
		cell += *types != 'n';
	}
}

/* The next person's cells: of the row that goes on, or of the next one. */
static const struct cell *next_answer(struct row *row, struct reply *reply, const char *types)
{
	if (row->people > 0)
		step_row(row, types);
	else
		read_row(row, reply, types);
	row->people--;
	return row->cell;
}

/* Of somebody who was served, and nobody can tell how. */
static void fill_unconfirmed(struct cell *cell)
{
	static const char WORD[] = "unconfirmed";

	memset(cell, 0, STREAM_COLUMNS * sizeof *cell);
	for (size_t c = 0; c < STREAM_COLUMNS; c++)
		cell[c].text = "";
	cell[0].text = WORD;
	cell[0].len = sizeof WORD - 1;
}

static int hear_unconfirmed(struct stream *s, struct call *call, struct fault *why)
{
	const struct listener *l = s->listener;
	struct cell cell[STREAM_COLUMNS];

	if (!s->warned)
		s->control->warn(why->line);
	s->warned = true;
	fill_unconfirmed(cell);
	for (size_t i = 0; i < call->count; i++)
		if (l->answer(l->self, &call->person[i], call->person[i].invalid ? NULL : cell,
			      why) < 0)
			return -1;
	return 0;
}

static int hear(struct stream *s, struct call *call, struct reply *reply, struct fault *why)
{
	const struct listener *l = s->listener;
	const struct question *q = s->question;
	struct row row = {0};

	for (size_t i = 0; i < call->count; i++) {
		const struct person *person = &call->person[i];
		const struct cell *cell =
			person->invalid ? NULL : next_answer(&row, reply, q->types);

		if (reply_check(reply, q->place->event_key, why) < 0 ||
		    l->answer(l->self, person, cell, why) < 0)
			return -1;
	}
	reply->unsound = row.people != 0;
	return reply_end(reply, q->place->event_key, why);
}

/* Hears the oldest call, if its answer is there (or it needed none). 1 heard, 0 not yet. */
static int receive_call(struct stream *s, struct fault *why)
{
	struct call *call = &s->call[s->head];
	struct reply reply = {0};
	int got = call->asked ? redis_try_receive(s->redis, &reply, why) : 1;

	if (got < 0)
		step_name_event(why, s->question->place);
	if (got == 0 || (got < 0 && !why->unconfirmed))
		return got;
	got = got < 0 ? hear_unconfirmed(s, call, why) : hear(s, call, &reply, why);
	reply_release(&reply);
	call->count = call->asked = 0;
	s->head = (s->head + 1) % STREAM_CALLS;
	s->sent--;
	return got < 0 ? -1 : 1;
}

static int wait_for_news(struct stream *s, struct fault *why)
{
	bool awaiting = redis_in_flight(s->redis) > 0;
	bool wanting = !s->ended && has_room(s) && filling(s)->count < STREAM_BATCH;
	struct pollfd fd[3] = {
		{.fd = awaiting ? redis_fd(s->redis) : -1, .events = POLLIN},
		{.fd = wanting ? people_fd(s->people) : -1, .events = POLLIN},
		{.fd = wanting ? s->control->stop_fd : -1, .events = POLLIN},
	};

	if (!awaiting && s->paused && !s->flushed) {
		s->flushed = true;
		if (s->listener->pause(s->listener->self, why) < 0)
			return -1;
	}
	if (poll(fd, 3, redis_wait_ms(s->redis)) < 0 && errno != EINTR)
		return fault_errno(why, EX_OSERR, "poll");
	s->ended = s->ended || s->control->stopping();
	if (awaiting && redis_read(s->redis, fd[0].revents != 0, why) < 0)
		return -1;
	return fd[1].revents && !s->ended ? people_read(s->people, why) : 0;
}

/* One turn: fill, send, hear. Waits only where nothing else can be done. */
static int turn(struct stream *s, struct fault *why)
{
	size_t sent_before = s->sent;
	int heard = 0;

	if (has_room(s)) {
		struct call *call = filling(s);

		if (!s->ended && fill(s, why) < 0)
			return -1;
		if (call->count > 0 && (call->count == STREAM_BATCH || s->sent == 0 || s->ended) &&
		    send_call(s, why) < 0)
			return -1;
	}
	if (s->sent > 0)
		heard = receive_call(s, why);
	if (heard < 0)
		return -1;
	if (heard || s->sent != sent_before || (s->ended && s->sent == 0))
		return 0;
	return wait_for_news(s, why);
}

int stream_run(struct redis *redis, const struct question *question, struct people *people,
	       const struct listener *listener, const struct control *control, struct fault *why)
{
	struct stream s = {.redis = redis,
			   .question = question,
			   .people = people,
			   .listener = listener,
			   .control = control};
	int result = -1;

	s.call = calloc(STREAM_CALLS, sizeof *s.call);
	if (!s.call)
		return fault_errno(why, EX_OSERR, "stream");
	if (step_init(&s.step, 2 * STREAM_BATCH + 2, why) == 0) {
		do
			result = turn(&s, why);
		while (result == 0 && !(s.ended && s.sent == 0 && filling(&s)->count == 0));
	}
	if (result == 0)
		result = listener->pause(listener->self, why);
	step_release(&s.step);
	free(s.call);
	return result;
}
