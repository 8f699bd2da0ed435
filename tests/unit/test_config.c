#include "config.h"
#include "tap.h"

#include <unistd.h>

static char folder[] = "/tmp/test_config.XXXXXX";
static char path[sizeof folder + 8];

/* What is set by a file of this text, or, with NULL, by no file. */
static struct config load(const char *text)
{
	struct config config;
	struct fault why = {0};
	FILE *file = fopen(path, "w");

	if (file) {
		fputs(text ? text : "", file);
		fclose(file);
	}
	setenv("FCFS_CONFIG", path, 1);
	is_int(config_load(&config, &why), 0, "loads");
	return config;
}

static void option(struct config *config, const char *name, const char *value, const char *line)
{
	struct fault why = {0};
	char said[100];

	snprintf(said, sizeof said, "--%s '%s'", name, value);
	is_int(config_set_option(config, name, value, &why), line ? -1 : 0, said);
	is_int(why.status, line ? EX_USAGE : 0, "... its status");
	is_str(why.line, line ? line : "", "... its line");
}

static void test_presets(void)
{
	struct config config = load(NULL);

	is_str(config.redis, "redis://127.0.0.1:6379", "the server here");
	is_str(config.password_file, "", "no password");
	is_str(config.prefix, "", "no prefix");
	is_str(config.brokers, "", "no brokers");
	is_str(config.kafka_properties, "", "no properties");
	is_int(config.connect_timeout_ms, 3000, "3 s for a connection");
	is_int(config.timeout_ms, 5000, "5 s for an answer");
	is_int(config.reconnect_ms, 30000, "30 s for another connection");
}

static void test_precedence(void)
{
	static const char FILE_TEXT[] = "FCFS_BROKERS=file:1\nFCFS_KAFKA_PROPERTIES=/file\n";
	struct config config = load(FILE_TEXT);

	is_str(config.brokers, "file:1", "brokers of the file");
	is_str(config.kafka_properties, "/file", "properties of the file");
	setenv("FCFS_BROKERS", "env:1,env:2", 1);
	setenv("FCFS_KAFKA_PROPERTIES", "/env", 1);
	config = load(FILE_TEXT);
	is_str(config.brokers, "env:1,env:2", "the environment before the file");
	is_str(config.kafka_properties, "/env", "... for the properties");
	option(&config, "brokers", "[::1]:9092", NULL);
	option(&config, "properties", "/flag", NULL);
	is_str(config.brokers, "[::1]:9092", "the option before the environment");
	is_str(config.kafka_properties, "/flag", "... for the properties");
	option(&config, "brokers", "", NULL);
	option(&config, "properties", "", NULL);
	is_str(config.brokers, "", "no brokers is a choice, too");
	is_str(config.kafka_properties, "", "... and no properties");
	setenv("FCFS_BROKERS", "", 1);
	config = load(FILE_TEXT);
	is_str(config.brokers, "", "the environment may say none");
	unsetenv("FCFS_BROKERS");
	unsetenv("FCFS_KAFKA_PROPERTIES");
}

static void test_refused(void)
{
	struct config config = load(NULL);

	option(&config, "brokers", "kept:1", NULL);
	option(&config, "brokers", "a,,b", "--brokers: 'a,,b' is not HOST[:PORT][,...]");
	option(&config, "brokers", "a:0", "--brokers: 'a:0' is not HOST[:PORT][,...]");
	is_str(config.brokers, "kept:1", "what is refused changes nothing");
	option(&config, "timeout", "0s", "--timeout '0s' is not more than 0");
}

int main(void)
{
	if (!mkdtemp(folder))
		return EXIT_FAILURE;
	snprintf(path, sizeof path, "%s/conf", folder);
	clearenv(); /* settings of whoever runs this */
	test_presets();
	test_precedence();
	test_refused();
	unlink(path);
	rmdir(folder);
	return done_testing();
}
