/* The table of all faults: what is met how, and what a tool ends with. Kafka's rows are test_kafka.c's. */
#include "tap.h"

#include "remedy.h"

#include <string.h>
#include <sysexits.h>

/* As servers say it, 7.0 and 8.0. */
static const struct {
	const char *says;
	enum remedy remedy;
	int status;
	const char *hint; /* some of it */
} ANSWERS[] = {
	{"LOADING Redis is loading the dataset in memory", REMEDY_AGAIN, EX_UNAVAILABLE, ""},
	{"READONLY You can't write against a read only replica.", REMEDY_AGAIN, EX_UNAVAILABLE,
	 "-r"},
	{"BUSY Redis is busy running a script.", REMEDY_AGAIN, EX_UNAVAILABLE, ""},
	{"MASTERDOWN Link with MASTER is down", REMEDY_AGAIN, EX_UNAVAILABLE, ""},
	{"CLUSTERDOWN The cluster is down", REMEDY_AGAIN, EX_UNAVAILABLE, ""},
	{"TRYAGAIN Multiple keys request during rehashing of slot", REMEDY_AGAIN, EX_UNAVAILABLE,
	 ""},
	{"UNBLOCKED force unblock from blocking operation", REMEDY_AGAIN, EX_UNAVAILABLE, ""},
	{"ERR max number of clients reached", REMEDY_AGAIN, EX_UNAVAILABLE, ""},
	{"ERR Function not found", REMEDY_LOAD, EX_CONFIG, ""},
	{"OOM command not allowed when used memory > 'maxmemory'.", REMEDY_NONE, EX_TEMPFAIL,
	 "memory"},
	{"MISCONF Errors writing to the AOF file: No space left on device", REMEDY_NONE,
	 EX_TEMPFAIL, "disk"},
	{"NOREPLICAS Not enough good replicas to write.", REMEDY_NONE, EX_TEMPFAIL, ""},
	{"NOEVENT no such event", REMEDY_NONE, EX_CONFIG, ""},
	{"NOAUTH Authentication required.", REMEDY_NONE, EX_CONFIG, "FCFS_REDIS_PASSWORD_FILE"},
	{"WRONGPASS invalid username-password pair or user is disabled.", REMEDY_NONE, EX_CONFIG,
	 "FCFS_REDIS_PASSWORD_FILE"},
	{"NOPERM User u has no permissions to run the 'fcall' command", REMEDY_NONE, EX_CONFIG,
	 "fcfs-setup acl"},
	{"ERR ACL failure in script: No permissions", REMEDY_NONE, EX_CONFIG, "fcfs-setup acl"},
	{"ERR The user executing the script can't run this command", REMEDY_NONE, EX_CONFIG,
	 "fcfs-setup acl"},
	{"MOVED 3999 127.0.0.1:6381", REMEDY_NONE, EX_CONFIG, "cluster"},
	{"ERR unknown command 'FCALL'", REMEDY_NONE, EX_CONFIG, "7.0"},
	{"ERR Unknown subcommand or wrong number of arguments", REMEDY_NONE, EX_CONFIG, "7.0"},
	{"ERR AUTH <password> called without any password configured", REMEDY_NONE, EX_CONFIG,
	 "unset"},
	{"ERR DB index is out of range", REMEDY_NONE, EX_CONFIG, ""},
};

static void answers(void)
{
	for (size_t i = 0; i < sizeof ANSWERS / sizeof *ANSWERS; i++) {
		const struct known_fault *known = known_fault_of_answer(ANSWERS[i].says);

		ok(known && known->part == PART_REDIS && known->remedy == ANSWERS[i].remedy &&
			   known->status == ANSWERS[i].status &&
			   strstr(known->hint, ANSWERS[i].hint),
		   ANSWERS[i].says);
	}
	ok(!known_fault_of_answer("ERR syntax error"), "another answer of Redis is in no row");
	ok(!known_fault_of_answer(""), "nor an empty one");
}

static const struct {
	enum part part;
	int status;
	enum remedy remedy;
	bool known;
	const char *what;
} STATUSES[] = {
	{PART_LEDGER, EX_TEMPFAIL, REMEDY_AGAIN, true, "a ledger that is locked"},
	{PART_LEDGER, EX_UNAVAILABLE, REMEDY_AGAIN, true, "a ledger whose server is away"},
	{PART_LEDGER, EX_OSERR, REMEDY_NONE, true, "a ledger whose file cannot be read"},
	{PART_LEDGER, EX_CONFIG, REMEDY_NONE, true, "a file that is no ledger"},
	{PART_LEDGER, EX_SOFTWARE, REMEDY_NONE, true, "a ledger that contradicts"},
	{PART_LEDGER, EX_PROTOCOL, REMEDY_NONE, false, "another fault of a ledger"},
	{PART_DELIVERY, EX_TEMPFAIL, REMEDY_AGAIN, true, "a command that says: later"},
	{PART_DELIVERY, EX_UNAVAILABLE, REMEDY_AGAIN, true, "a command that dies"},
	{PART_DELIVERY, EX_OSERR, REMEDY_AGAIN, true, "no process for a command"},
	{PART_DELIVERY, EX_DATAERR, REMEDY_NONE, true, "a command that says: never"},
	{PART_DELIVERY, EX_CONFIG, REMEDY_NONE, true, "no such command"},
	{PART_DELIVERY, EX_PROTOCOL, REMEDY_NONE, false, "another fault of a delivery"},
};

static void statuses(void)
{
	for (size_t i = 0; i < sizeof STATUSES / sizeof *STATUSES; i++) {
		const struct known_fault *known =
			known_fault_of_code(STATUSES[i].part, STATUSES[i].status);

		ok(remedy_of(STATUSES[i].part, STATUSES[i].status) == STATUSES[i].remedy &&
			   (known != NULL) == STATUSES[i].known &&
			   (!known || known->status == STATUSES[i].status),
		   STATUSES[i].what);
	}
}

int main(void)
{
	answers();
	statuses();
	return done_testing();
}
