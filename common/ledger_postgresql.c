/* ledger_postgresql.c - the rows of a ledger in a PostgreSQL database. */
#include "ledger_postgresql.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW                                                                                        \
	"event, id, \"user\", ticket, code, joined_us, granted_us, issued_us, state, "             \
	"coalesce(delivered_us, 0)"

static const char keep_rows[] =
	"INSERT INTO issued (id, event, \"user\", ticket, code, joined_us, granted_us, issued_us,"
	" state) SELECT $1, $2, r.*, 'issued' FROM unnest($3::text[], $4::bigint[], $5::text[],"
	" $6::bigint[], $7::bigint[], $8::bigint[]) r ON CONFLICT DO NOTHING"
	" RETURNING ticket, code";

/* What each asked row met: its place among them, the key by which it was refused, and the row. Each look-up
 * is an index's. */
static const char find_rows[] =
	"SELECT asked.n, met.* FROM unnest($2::text[], $3::bigint[], $4::text[])"
	" WITH ORDINALITY asked (\"user\", ticket, code, n) CROSS JOIN LATERAL ("
	"SELECT 0 AS key, " ROW " FROM issued i WHERE i.id = $1 AND i.ticket = asked.ticket"
	" UNION ALL SELECT 1, " ROW " FROM issued i WHERE i.id = $1"
	" AND i.\"user\" = asked.\"user\" AND i.state <> 'returned'"
	" UNION ALL SELECT 2, " ROW " FROM issued i WHERE i.id = $1 AND i.code = asked.code"
	" ORDER BY key LIMIT 1) met ORDER BY asked.n";

/* Whoever marks them has done so before they are looked up, or does it when we have kept ours. */
static const char hold_rows[] =
	"SELECT FROM issued WHERE id = $1 AND ticket = ANY ($2::bigint[]) ORDER BY ticket"
	" FOR UPDATE";

static const char mark_rows[] =
	"UPDATE issued i SET state = m.state,"
	" delivered_us = coalesce(i.delivered_us, nullif(m.delivered_us, 0))"
	" FROM unnest($2::bigint[], $3::text[], $4::bigint[]) m (ticket, state, delivered_us)"
	" WHERE i.id = $1 AND i.ticket = m.ticket AND i.state <> 'returned'"
	" AND (i.delivered_us IS NULL OR m.state <> 'parked')";

enum { PAGE = 1000 };

static const char page_rows[] =
	"SELECT NULL, NULL, " ROW
	" FROM issued WHERE id = $1 AND ticket > $2 ORDER BY ticket LIMIT $3";

static struct postgresql_ledger *of(struct ledger *ledger)
{
	return (struct postgresql_ledger *)ledger;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* False where the text does not fit: fcfs did not write it. */
static bool column_text(const PGresult *rows, int at, int column, char *out, size_t size)
{
	size_t len = (size_t)PQgetlength(rows, at, column);

	if (len >= size)
		return false;
	memcpy(out, PQgetvalue(rows, at, column), len + 1);
	return true;
}

static int64_t column_int(const PGresult *rows, int at, int column)
{
	return atoll(PQgetvalue(rows, at, column));
}

/* Of an answer whose columns from the third on are ROW. */
static bool read_row(const PGresult *rows, int at, struct ledger_row *row)
{
	struct issued *found = &row->found;
	struct winner *winner = &found->winner;
	char state[16];

	winner->ticket = column_int(rows, at, 5);
	if (!column_text(rows, at, 2, winner->event, sizeof winner->event) ||
	    !column_text(rows, at, 3, winner->id, sizeof winner->id) ||
	    !column_text(rows, at, 4, winner->user, sizeof winner->user) ||
	    !column_text(rows, at, 6, found->code, sizeof found->code) ||
	    !column_text(rows, at, 10, state, sizeof state) ||
	    !ledger_state_read(state, &row->state))
		return false;
	winner->joined_us = column_int(rows, at, 7);
	winner->granted_us = column_int(rows, at, 8);
	found->issued_us = column_int(rows, at, 9);
	row->delivered_us = column_int(rows, at, 11);
	return true;
}

static int foreign_row(const struct postgresql_ledger *self, struct fault *why)
{
	return fault_set(why, EX_CONFIG, "ledger '%s': holds a row that is not fcfs's", self->url);
}

static PGresult *insert(struct postgresql_ledger *self, const struct ledger_row *row, size_t count,
			struct fault *why)
{
	struct buffer *array;

	ledger_postgresql_text(self, row->issued->winner.id);
	ledger_postgresql_text(self, row->issued->winner.event);
	array = ledger_postgresql_arrays(self, 6);
	for (size_t i = 0; i < count; i++) {
		const struct issued *issued = row[i].issued;

		ledger_postgresql_element(&array[0], issued->winner.user);
		ledger_postgresql_element_int(&array[1], issued->winner.ticket);
		ledger_postgresql_element(&array[2], issued->code);
		ledger_postgresql_element_int(&array[3], issued->winner.joined_us);
		ledger_postgresql_element_int(&array[4], issued->winner.granted_us);
		ledger_postgresql_element_int(&array[5], issued->issued_us);
	}
	return ledger_postgresql_send(self, keep_rows, why) < 0
		       ? NULL
		       : ledger_postgresql_receive(self, why);
}

/* Those that were inserted, in the order of the rows. How many. */
static size_t read_kept(const PGresult *kept, struct ledger_row *row, size_t count)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		int at = (int)found;

		row[i].answer = LEDGER_CONFLICT;
		if (at < PQntuples(kept) &&
		    column_int(kept, at, 0) == row[i].issued->winner.ticket &&
		    strcmp(PQgetvalue(kept, at, 1), row[i].issued->code) == 0) {
			row[i].answer = LEDGER_KEPT;
			row[i].delivered_us = 0;
			found++;
		}
	}
	return found;
}

static int hold(struct postgresql_ledger *self, const struct ledger_row *row, size_t count,
		struct fault *why)
{
	struct buffer *array;
	PGresult *answer;

	ledger_postgresql_text(self, row->issued->winner.id);
	array = ledger_postgresql_arrays(self, 1);
	for (size_t i = 0; i < count; i++)
		if (row[i].answer != LEDGER_KEPT)
			ledger_postgresql_element_int(&array[0], row[i].issued->winner.ticket);
	if (ledger_postgresql_send(self, hold_rows, why) < 0)
		return -1;
	answer = ledger_postgresql_receive(self, why);
	PQclear(answer);
	return answer ? 0 : -1;
}

/* What the rows met that some unique index refused, in a look-up that sees what was there. */
static PGresult *look_up(struct postgresql_ledger *self, const struct ledger_row *row, size_t count,
			 struct fault *why)
{
	struct buffer *array;

	ledger_postgresql_text(self, row->issued->winner.id);
	array = ledger_postgresql_arrays(self, 3);
	for (size_t i = 0; i < count; i++) {
		if (row[i].answer == LEDGER_KEPT)
			continue;
		ledger_postgresql_element(&array[0], row[i].issued->winner.user);
		ledger_postgresql_element_int(&array[1], row[i].issued->winner.ticket);
		ledger_postgresql_element(&array[2], row[i].issued->code);
	}
	return ledger_postgresql_send(self, find_rows, why) < 0
		       ? NULL
		       : ledger_postgresql_receive(self, why);
}

static int read_refused(const struct postgresql_ledger *self, const PGresult *met,
			struct ledger_row *row, size_t count, struct fault *why)
{
	int at = 0;

	for (size_t i = 0; i < count; i++) {
		if (row[i].answer == LEDGER_KEPT)
			continue;
		if (at == PQntuples(met) || column_int(met, at, 0) != at + 1)
			return fault_set(
				why, EX_TEMPFAIL,
				"ledger '%s': another writer changes the same rows: try again",
				self->url);
		if (!read_row(met, at, &row[i]))
			return foreign_row(self, why);
		row[i].answer = ledger_judge(&row[i], (enum ledger_key)column_int(met, at, 1));
		at++;
	}
	return 0;
}

static int postgresql_keep(struct ledger *ledger, struct ledger_row *row, size_t count,
			   struct fault *why)
{
	struct postgresql_ledger *self = of(ledger);
	PGresult *answer = insert(self, row, count, why);
	size_t kept;
	int result;

	if (!answer)
		return -1;
	kept = read_kept(answer, row, count);
	PQclear(answer);
	if (kept == count)
		return 0;
	answer = hold(self, row, count, why) < 0 ? NULL : look_up(self, row, count, why);
	if (!answer)
		return -1;
	result = read_refused(self, answer, row, count, why);
	PQclear(answer);
	return result;
}

static int64_t postgresql_mark(struct ledger *ledger, const char *id,
			       const struct ledger_mark *mark, size_t count, struct fault *why)
{
	struct postgresql_ledger *self = of(ledger);
	struct buffer *array;
	PGresult *answer;
	int64_t met;

	ledger_postgresql_text(self, id);
	array = ledger_postgresql_arrays(self, 3);
	for (size_t i = 0; i < count; i++) {
		ledger_postgresql_element_int(&array[0], mark[i].ticket);
		ledger_postgresql_element(&array[1], ledger_state_word(mark[i].state));
		ledger_postgresql_element_int(&array[2], mark[i].delivered_us);
	}
	if (ledger_postgresql_send(self, mark_rows, why) < 0)
		return -1;
	answer = ledger_postgresql_receive(self, why);
	met = answer ? atoll(PQcmdTuples(answer)) : -1;
	PQclear(answer);
	return met;
}

/* The rows of a page; how many, or -1. */
static int visit_page(const PGresult *page, struct ledger_row *row,
		      int (*visit)(void *, const struct ledger_row *, struct fault *), void *self,
		      struct fault *why)
{
	int rows = PQntuples(page), result = 0;

	for (int at = 0; at < rows && result == 0; at++) {
		row->foreign = !read_row(page, at, row);
		result = visit(self, row, why);
	}
	return result < 0 ? -1 : rows;
}

static int postgresql_each(struct ledger *ledger, const char *id,
			   int (*visit)(void *, const struct ledger_row *, struct fault *),
			   void *self, struct fault *why)
{
	struct postgresql_ledger *from = of(ledger);
	struct ledger_row row = {.found.winner.ticket = INT64_MIN};
	int rows = PAGE;

	if (ledger_postgresql_connect(from, why) < 0)
		return -1;
	while (rows == PAGE) {
		PGresult *page;

		ledger_postgresql_text(from, id);
		ledger_postgresql_int(from, row.found.winner.ticket);
		ledger_postgresql_int(from, PAGE);
		page = ledger_postgresql_send(from, page_rows, why) < 0
			       ? NULL
			       : ledger_postgresql_receive(from, why);
		rows = page ? visit_page(page, &row, visit, self, why) : -1;
		PQclear(page);
	}
	return rows < 0 ? -1 : 0;
}

/* --- a ledger --------------------------------------------------------------------------------- */

static int postgresql_begin(struct ledger *ledger, struct fault *why)
{
	assert(!of(ledger)->begun);
	return ledger_postgresql_begin(of(ledger), why);
}

static int postgresql_commit(struct ledger *ledger, struct fault *why)
{
	return ledger_postgresql_commit(of(ledger), why);
}

static void postgresql_rollback(struct ledger *ledger)
{
	ledger_postgresql_rollback(of(ledger));
}

static void postgresql_close(struct ledger *ledger)
{
	struct postgresql_ledger *self = of(ledger);

	ledger_postgresql_disconnect(self);
	for (int i = 0; i < PARAMETERS; i++)
		buffer_release(&self->text[i]);
	free(self->url);
	free(self);
}

static struct postgresql_ledger *make(const char *place, struct fault *why)
{
	static const struct ledger_backend backend = {
		.close = postgresql_close,
		.begin = postgresql_begin,
		.commit = postgresql_commit,
		.rollback = postgresql_rollback,
		.keep = postgresql_keep,
		.mark = postgresql_mark,
		.run = ledger_postgresql_run,
		.each = postgresql_each,
		.each_run = ledger_postgresql_each_run,
		.abandon = ledger_postgresql_abandon,
	};
	struct postgresql_ledger *self = calloc(1, sizeof *self);

	if (!self || asprintf(&self->url, "postgresql://%s", place) < 0) {
		free(self);
		fault_set(why, EX_OSERR, "out of memory");
		return NULL;
	}
	self->ledger.backend = &backend;
	return self;
}

int ledger_postgresql_open(const char *place, bool to_read, struct ledger **ledger,
			   struct fault *why)
{
	struct postgresql_ledger *self = make(place, why);

	if (!self)
		return -1;
	if (ledger_postgresql_set_up(self, to_read, why) < 0) {
		postgresql_close(&self->ledger);
		return -1;
	}
	*ledger = &self->ledger;
	return 0;
}
