/* ledger_postgresql_open.c - the tables of a ledger in PostgreSQL. */
#include "ledger_postgresql.h"

#include <stdlib.h>
#include <string.h>

#define SAME_TEXT " text COLLATE \"C\" NOT NULL"

/* They go into the first schema of the search path. Ledgers in PostgreSQL begin with schema 2. */
static const char *const tables[] = {
	"CREATE TABLE issued (id" SAME_TEXT ", event" SAME_TEXT ", ticket bigint NOT NULL,"
	" \"user\"" SAME_TEXT ", code" SAME_TEXT ", joined_us bigint NOT NULL,"
	" granted_us bigint NOT NULL, issued_us bigint NOT NULL, delivered_us bigint,"
	" state text NOT NULL CHECK (state IN ('issued', 'parked', 'returned')),"
	" CONSTRAINT issued_ticket PRIMARY KEY (id, ticket),"
	" CONSTRAINT issued_code UNIQUE (id, code))",
	"CREATE UNIQUE INDEX issued_user ON issued (id, \"user\") WHERE state <> 'returned'",
	"CREATE TABLE runs (run" SAME_TEXT ", tool text NOT NULL, host text NOT NULL,"
	" event" SAME_TEXT ", id" SAME_TEXT ", status text NOT NULL, started_us bigint NOT NULL,"
	" ended_us bigint NOT NULL, \"in\" bigint NOT NULL, done bigint NOT NULL,"
	" already bigint NOT NULL, refused bigint NOT NULL, dead bigint NOT NULL,"
	" retried bigint NOT NULL, error text NOT NULL, PRIMARY KEY (run, id, event))",
	"CREATE TABLE meta (name text PRIMARY KEY, value text NOT NULL)",
	"INSERT INTO meta VALUES ('schema', '2')",
};

/* One number. */
static int query_int(struct postgresql_ledger *self, const char *sql, int64_t *value,
		     struct fault *why)
{
	PGresult *answer;
	bool there;

	if (ledger_postgresql_send(self, sql, why) < 0)
		return -1;
	answer = ledger_postgresql_receive(self, why);
	if (!answer)
		return -1;
	there = PQntuples(answer) == 1;
	*value = there ? atoll(PQgetvalue(answer, 0, 0)) : 0;
	PQclear(answer);
	return there ? 0 : ledger_postgresql_foreign(self, why);
}

/* The schema's number: 0 where there are no tables. */
static int read_version(struct postgresql_ledger *self, int64_t *version, struct fault *why)
{
	int64_t count = 0;

	*version = 0;
	if (query_int(self,
		      "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname ="
		      " current_schema() AND tablename IN ('issued', 'runs', 'meta')",
		      &count, why) < 0)
		return -1;
	if (count == 0)
		return 0;
	if (count != 3)
		return ledger_postgresql_foreign(self, why);
	if (query_int(self, "SELECT value FROM meta WHERE name = 'schema'", version, why) < 0)
		return -1;
	if (*version > LEDGER_SCHEMA)
		return fault_set(why, EX_CONFIG,
				 "ledger '%s': schema %lld is newer than this program knows (%d), "
				 "upgrade fcfs",
				 self->url, (long long)*version, LEDGER_SCHEMA);
	return *version < LEDGER_SCHEMA ? ledger_postgresql_foreign(self, why) : 0;
}

/* Asked twice, as another process may have the same idea: the lock is this transaction's. */
static int make_tables(struct postgresql_ledger *self, struct fault *why)
{
	int64_t version;

	if (ledger_postgresql_begin(self, why) < 0 ||
	    ledger_postgresql_execute(self, "SELECT pg_advisory_xact_lock(1717790323, 1)", why) <
		    0 ||
	    read_version(self, &version, why) < 0)
		return -1;
	for (size_t i = 0; version == 0 && i < sizeof tables / sizeof *tables; i++)
		if (ledger_postgresql_send(self, tables[i], why) < 0)
			return -1;
	return ledger_postgresql_commit(self, why);
}

/* A password on the command line is everybody's to read. What is wrong in the URL is not shown: it
 * may be one. */
static int check_url(const char *url, struct fault *why)
{
	PQconninfoOption *options = PQconninfoParse(url, NULL);
	bool password = false;

	for (const PQconninfoOption *o = options; o && o->keyword; o++)
		password = password || (o->val && strstr(o->keyword, "password"));
	PQconninfoFree(options);
	if (!options)
		return fault_set(why, EX_USAGE,
				 "--ledger is no URL of PostgreSQL's: write "
				 "postgresql://[USER@]HOST[:PORT]/DATABASE");
	if (password)
		return fault_set(why, EX_USAGE,
				 "--ledger holds a password, for all to see: name a file with "
				 "PGPASSFILE instead");
	return 0;
}

int ledger_postgresql_set_up(struct postgresql_ledger *self, bool to_read, struct fault *why)
{
	int64_t version;

	if (check_url(self->url, why) < 0 || ledger_postgresql_connect(self, why) < 0 ||
	    read_version(self, &version, why) < 0)
		return -1;
	if (version == 0 && to_read)
		return ledger_postgresql_foreign(self, why);
	return version == 0 ? make_tables(self, why) : 0;
}
