/* ledger_postgresql_wire.c - connecting to PostgreSQL, sending, waiting, and what faults mean. */
#include "ledger_postgresql.h"

#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

/* A lock ends before its statement, a statement before we stop waiting for it: who is told why can
 * say so. A transaction left open, as by a host that is gone, holds up others for a minute. */
#define LOCK_TIMEOUT "10s"
#define STATEMENT_TIMEOUT "30s"
#define IDLE_TIMEOUT "60s"
enum { ANSWER_MS = 45000 };

/* --- faults ----------------------------------------------------------------------------------- */

static int gone(const struct postgresql_ledger *self, struct fault *why)
{
	return fault_set(why, EX_UNAVAILABLE, "ledger '%s': the connection was lost", self->url);
}

/* The first line of libpq's text, which may have several. */
static int lost(struct postgresql_ledger *self, struct fault *why)
{
	const char *text = PQerrorMessage(self->conn);

	if (PQconnectionNeedsPassword(self->conn))
		fault_set(why, EX_CONFIG,
			  "ledger '%s': it wants a password: name its file with PGPASSFILE",
			  self->url);
	else if (*text)
		fault_set(why, EX_UNAVAILABLE, "ledger '%s': %.*s", self->url,
			  (int)strcspn(text, "\n"), text);
	else
		gone(self, why);
	ledger_postgresql_disconnect(self);
	return -1;
}

/* The longest match is the one meant: it stands first. PostgreSQL's manual, appendix A. */
static int status_of(const char *sqlstate)
{
	static const struct {
		const char *begins;
		int status;
	} states[] = {
		{"08", EX_UNAVAILABLE},	   /* connections */
		{"57014", EX_TEMPFAIL},	   /* a statement took too long */
		{"57P", EX_UNAVAILABLE},   /* shutting down, starting up */
		{"25006", EX_UNAVAILABLE}, /* read-only: a standby */
		{"25P03", EX_TEMPFAIL},	   /* the transaction idled too long */
		{"53", EX_UNAVAILABLE},	   /* no disk, memory, connection left */
		{"58", EX_UNAVAILABLE},	   /* its files cannot be read or written, */
		{"XX", EX_UNAVAILABLE},	   /* or are damaged */
		{"40", EX_TEMPFAIL},	   /* deadlocks */
		{"55", EX_TEMPFAIL},	   /* a lock took too long */
		{"28", EX_CONFIG},	   /* who are you */
		{"3D", EX_CONFIG},	   /* no such database, */
		{"3F", EX_CONFIG},	   /* or schema */
		{"42", EX_CONFIG},	   /* no such column, or not for you */
	};

	for (size_t i = 0; i < sizeof states / sizeof *states; i++)
		if (strncmp(sqlstate, states[i].begins, strlen(states[i].begins)) == 0)
			return states[i].status;
	return EX_SOFTWARE;
}

int ledger_postgresql_foreign(const struct postgresql_ledger *self, struct fault *why)
{
	return fault_set(why, EX_CONFIG,
			 "ledger '%s': its tables are not a ledger of fcfs, name another database",
			 self->url);
}

/* Its first line names tables and columns; the details, which name values, are not shown. */
static int refused(struct postgresql_ledger *self, const PGresult *result, struct fault *why)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (!sqlstate || !text)
		return lost(self, why);
	if (strcmp(sqlstate, "42P01") == 0 || strcmp(sqlstate, "42703") == 0)
		return ledger_postgresql_foreign(self, why); /* no such table, or column */
	return fault_set(why, status_of(sqlstate), "ledger '%s': %.*s", self->url,
			 (int)strcspn(text, "\n"), text);
}

/* --- connecting ------------------------------------------------------------------------------- */

/* Bytes come back as they went in. */
static int check_encoding(struct postgresql_ledger *self, struct fault *why)
{
	const char *encoding = PQparameterStatus(self->conn, "server_encoding");

	if (encoding && (strcmp(encoding, "UTF8") == 0 || strcmp(encoding, "SQL_ASCII") == 0))
		return 0;
	return fault_set(why, EX_CONFIG,
			 "ledger '%s': the database has the encoding %s, make one with UTF8",
			 self->url, encoding ? encoding : "unknown");
}

/* Nothing comes on a connection that is idle, but that it ends. */
static bool connected(const struct postgresql_ledger *self)
{
	struct pollfd fd = {.fd = PQsocket(self->conn), .events = POLLIN};

	return PQstatus(self->conn) == CONNECTION_OK && poll(&fd, 1, 0) == 0;
}

/* libpq would print it: a trigger may say what stands in a row, a code too. */
static void drop_notice(void *unused, const PGresult *notice)
{
	(void)unused;
	(void)notice;
}

int ledger_postgresql_connect(struct postgresql_ledger *self, struct fault *why)
{
	/* what stands before the URL is what it may change */
	const char *const names[] = {"fallback_application_name",
				     "connect_timeout",
				     "keepalives_idle",
				     "keepalives_interval",
				     "keepalives_count",
				     "tcp_user_timeout",
				     "dbname",
				     "client_encoding",
				     NULL};
	const char *const values[] = {"fcfs",  "10",	  "10",	  "5", "3",
				      "30000", self->url, "UTF8", NULL};

	if (connected(self))
		return 0;
	ledger_postgresql_disconnect(self);
	self->conn = PQconnectdbParams(names, values, 1);
	if (PQstatus(self->conn) != CONNECTION_OK)
		return lost(self, why);
	if (check_encoding(self, why) < 0) {
		ledger_postgresql_disconnect(self);
		return -1;
	}
	PQsetNoticeReceiver(self->conn, drop_notice, NULL);
	if (PQsetnonblocking(self->conn, 1) < 0 || PQenterPipelineMode(self->conn) == 0)
		return lost(self, why);
	return 0;
}

void ledger_postgresql_disconnect(struct postgresql_ledger *self)
{
	PQfinish(self->conn);
	self->conn = NULL;
	self->begun = false;
}

/* --- sending ---------------------------------------------------------------------------------- */

static struct buffer *next(struct postgresql_ledger *self)
{
	struct buffer *text = &self->text[self->count++];

	buffer_clear(text);
	return text;
}

void ledger_postgresql_text(struct postgresql_ledger *self, const char *text)
{
	buffer_add(next(self), text, strlen(text) + 1);
}

void ledger_postgresql_int(struct postgresql_ledger *self, int64_t value)
{
	struct buffer *text = next(self);

	buffer_int(text, value);
	buffer_add(text, "", 1);
}

struct buffer *ledger_postgresql_arrays(struct postgresql_ledger *self, int count)
{
	for (int i = 0; i < count; i++)
		buffer_text(next(self), "{");
	self->arrays = count;
	return &self->text[self->count - count];
}

static void separate(struct buffer *array)
{
	if (array->len > 1)
		buffer_text(array, ",");
}

void ledger_postgresql_element(struct buffer *array, const char *value)
{
	separate(array);
	buffer_text(array, "\"");
	while (*value) {
		size_t plain = strcspn(value, "\"\\");

		buffer_add(array, value, plain);
		value += plain;
		if (*value) {
			buffer_text(array, "\\");
			buffer_add(array, value++, 1);
		}
	}
	buffer_text(array, "\"");
}

void ledger_postgresql_element_int(struct buffer *array, int64_t value)
{
	separate(array);
	buffer_int(array, value);
}

/* Ends the arrays, and begins anew. */
static bool take_values(struct postgresql_ledger *self, const char *values[PARAMETERS])
{
	bool failed = false;

	for (int i = 0; i < self->count; i++) {
		if (i >= self->count - self->arrays)
			buffer_add(&self->text[i], "}", 2);
		failed = failed || self->text[i].failed;
		values[i] = self->text[i].bytes;
	}
	self->count = self->arrays = 0;
	return !failed;
}

int ledger_postgresql_send(struct postgresql_ledger *self, const char *sql, struct fault *why)
{
	const char *values[PARAMETERS];
	int count = self->count;

	if (!take_values(self, values))
		return fault_set(why, EX_OSERR, "out of memory");
	if (!self->conn)
		return gone(self, why);
	return PQsendQueryParams(self->conn, sql, count, NULL, values, NULL, NULL, 0)
		       ? 0
		       : lost(self, why);
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* Until an answer is there, or the deadline. */
static int await(struct postgresql_ledger *self, int64_t deadline_ms, struct fault *why)
{
	for (;;) {
		struct pollfd fd = {.fd = PQsocket(self->conn), .events = POLLIN};
		int64_t left_ms = deadline_ms - clock_ms();
		int unsent = PQflush(self->conn);

		if (unsent < 0)
			return lost(self, why);
		if (unsent == 0 && !PQisBusy(self->conn))
			return 0;
		if (unsent)
			fd.events |= POLLOUT;
		if (left_ms <= 0) {
			fault_set(why, EX_UNAVAILABLE, "ledger '%s': no answer within %d s",
				  self->url, ANSWER_MS / 1000);
			ledger_postgresql_disconnect(self);
			return -1;
		}
		if (poll(&fd, 1, (int)left_ms) < 0 && errno != EINTR)
			return fault_errno(why, EX_OSERR, "poll");
		if (fd.revents & ~POLLOUT && !PQconsumeInput(self->conn))
			return lost(self, why);
	}
}

/* Keeps the last answer in *last, or the first fault in why. */
static void sort_out(struct postgresql_ledger *self, PGresult *result, PGresult **last,
		     bool *failed, struct fault *why)
{
	ExecStatusType status = PQresultStatus(result);

	PQclear(*last);
	*last = result;
	if (!*failed && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
		*failed = true;
		refused(self, result, why);
	}
}

PGresult *ledger_postgresql_receive(struct postgresql_ledger *self, struct fault *why)
{
	int64_t deadline_ms = clock_ms() + ANSWER_MS;
	PGresult *last = NULL;
	bool failed = false, synced = false;

	if (!self->conn || !PQpipelineSync(self->conn)) {
		gone(self, why);
		return NULL;
	}
	while (!synced) {
		PGresult *result;

		if (!self->conn || await(self, deadline_ms, why) < 0) {
			failed = true;
			break;
		}
		result = PQgetResult(self->conn);
		synced = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
		if (synced)
			PQclear(result);
		else if (result)
			sort_out(self, result, &last, &failed, why);
	}
	if (failed) {
		PQclear(last);
		last = NULL;
	}
	return last;
}

int ledger_postgresql_execute(struct postgresql_ledger *self, const char *sql, struct fault *why)
{
	PGresult *answer;

	if (ledger_postgresql_send(self, sql, why) < 0)
		return -1;
	answer = ledger_postgresql_receive(self, why);
	PQclear(answer);
	return answer ? 0 : -1;
}

/* --- transactions ----------------------------------------------------------------------------- */

/* A commit is on disk before it is answered, whatever the server's own setting; what a standby is to
 * do beyond that stays. */
static const char settings[] =
	"SELECT set_config('lock_timeout', '" LOCK_TIMEOUT "', true),"
	" set_config('statement_timeout', '" STATEMENT_TIMEOUT "', true),"
	" set_config('idle_in_transaction_session_timeout', '" IDLE_TIMEOUT "', true),"
	" set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
	" WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true)";

int ledger_postgresql_begin(struct postgresql_ledger *self, struct fault *why)
{
	if (ledger_postgresql_connect(self, why) < 0 ||
	    ledger_postgresql_send(self, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", why) <
		    0 ||
	    ledger_postgresql_send(self, settings, why) < 0)
		return -1;
	self->begun = true;
	return 0;
}

/* COMMIT of a transaction that has failed is answered, too. */
int ledger_postgresql_commit(struct postgresql_ledger *self, struct fault *why)
{
	PGresult *answer;
	int result = 0;

	if (ledger_postgresql_send(self, "COMMIT", why) < 0)
		return -1;
	answer = ledger_postgresql_receive(self, why);
	if (!answer)
		return -1;
	self->begun = false;
	if (strcmp(PQcmdStatus(answer), "COMMIT") != 0)
		result = fault_set(why, EX_TEMPFAIL, "ledger '%s': the commit was refused",
				   self->url);
	PQclear(answer);
	return result;
}

void ledger_postgresql_rollback(struct postgresql_ledger *self)
{
	if (self->begun)
		ledger_postgresql_disconnect(self);
}
