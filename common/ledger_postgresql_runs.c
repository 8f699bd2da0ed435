/* ledger_postgresql_runs.c - the records of runs in a PostgreSQL database. */
#include "ledger_postgresql.h"

#include <stdio.h>
#include <stdlib.h>

static const char replace_run[] =
	"INSERT INTO runs (run, tool, host, event, id, status, started_us, ended_us, \"in\", done,"
	" already, refused, dead, retried, error)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
	" ON CONFLICT (run, id, event) DO UPDATE SET tool = EXCLUDED.tool, host = EXCLUDED.host,"
	" status = EXCLUDED.status, started_us = EXCLUDED.started_us,"
	" ended_us = EXCLUDED.ended_us, \"in\" = EXCLUDED.\"in\", done = EXCLUDED.done,"
	" already = EXCLUDED.already, refused = EXCLUDED.refused, dead = EXCLUDED.dead,"
	" retried = EXCLUDED.retried, error = EXCLUDED.error";

static const char abandon_runs[] =
	"UPDATE runs SET status = 'abandoned' WHERE id = $1 AND event = $2"
	" AND status = 'running' AND ended_us < $3";

static const char last_runs[] =
	"SELECT run, tool, status, \"in\", done, already, refused, dead FROM runs WHERE id = $1"
	" ORDER BY started_us DESC, run LIMIT 1000";

static struct postgresql_ledger *of(struct ledger *ledger)
{
	return (struct postgresql_ledger *)ledger;
}

int ledger_postgresql_run(struct ledger *ledger, const struct run *run, struct fault *why)
{
	struct postgresql_ledger *self = of(ledger);
	const char *texts[] = {run->run, run->tool, run->host, run->event, run->id, run->status};
	int64_t numbers[] = {run->started_us, run->ended_us, run->in,	run->done,
			     run->already,    run->refused,  run->dead, run->retried};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		ledger_postgresql_text(self, texts[i]);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		ledger_postgresql_int(self, numbers[i]);
	ledger_postgresql_text(self, run->error);
	return ledger_postgresql_send(self, replace_run, why);
}

int ledger_postgresql_abandon(struct ledger *ledger, const struct run *run, int64_t before_us,
			      struct fault *why)
{
	struct postgresql_ledger *self = of(ledger);

	ledger_postgresql_text(self, run->id);
	ledger_postgresql_text(self, run->event);
	ledger_postgresql_int(self, before_us);
	return ledger_postgresql_send(self, abandon_runs, why);
}

static void read_run(const PGresult *answer, int at, struct run *run)
{
	int64_t *const number[] = {&run->in, &run->done, &run->already, &run->refused, &run->dead};

	*run = (struct run){0};
	snprintf(run->run, sizeof run->run, "%s", PQgetvalue(answer, at, 0));
	snprintf(run->tool, sizeof run->tool, "%s", PQgetvalue(answer, at, 1));
	snprintf(run->status, sizeof run->status, "%s", PQgetvalue(answer, at, 2));
	for (int i = 0; i < 5; i++)
		*number[i] = atoll(PQgetvalue(answer, at, 3 + i));
}

int ledger_postgresql_each_run(struct ledger *ledger, const char *id,
			       int (*visit)(void *, const struct run *, struct fault *), void *self,
			       struct fault *why)
{
	struct postgresql_ledger *from = of(ledger);
	PGresult *answer;
	struct run run;
	int result = 0;

	if (ledger_postgresql_connect(from, why) < 0)
		return -1;
	ledger_postgresql_text(from, id);
	answer = ledger_postgresql_send(from, last_runs, why) < 0
			 ? NULL
			 : ledger_postgresql_receive(from, why);
	if (!answer)
		return -1;
	for (int at = 0; at < PQntuples(answer) && result == 0; at++) {
		read_run(answer, at, &run);
		result = visit(self, &run, why);
	}
	PQclear(answer);
	return result;
}
