/*
 * ui.h - what every main shares towards people: options, talk on stderr, signals, the way out.
 *
 * A main is: ui_start, its verb, ui_finish. The verb returns an exit status, or -1 with a fault.
 */
#ifndef FCFS_UI_H
#define FCFS_UI_H

#include "config.h"
#include "control.h"
#include "fault.h"
#include "redis.h"

#include <stdbool.h>
#include <stddef.h>

struct ui_option {
	const char *name;     /* --name; NULL ends the table */
	int letter;	      /* -x, or a value above 255 where there is no letter */
	const char *argument; /* NULL: takes none */
	const char *help;
};

struct ui_tool {
	const char *name;
	const char *synopsis;		 /* behind the common part; forms are separated by '\n' */
	const char *about;		 /* one line */
	const struct ui_option *options; /* its own; those below are every tool's */
	bool kafka;			 /* --help and the usage line show -b, -X and -F */
	/* One of its own options, but for --force. 0, or -1 with EX_USAGE. */
	int (*take)(void *request, int letter, const char *value, struct fault *why);
};

/* The letter of --force, which a tool that asks for a fit server names in its table. */
enum { UI_FORCE = 899, UI_PROPERTIES_MAX = 64 };

/* -r --redis, --prefix, --connect-timeout, --timeout, --reconnect, --wait, -j, -q, -v, -h, -V; --force;
 * -b --brokers, -X --property, -F --properties, of which most tools make nothing */
struct ui {
	struct config config;
	bool json, quiet, verbose;
	bool force;				     /* a server that may evict will do */
	const char *property[UI_PROPERTIES_MAX + 1]; /* K=V as typed, NULL-terminated */
};

extern struct ui ui;

/* Reads configuration, environment and options; installs the signals. Returns the operands,
 * NULL-terminated, or exits: 0 after -h and -V, 64 on misuse, 78 on a bad configuration. */
char **ui_start(const struct ui_tool *, int argc, char **argv, void *request);

/* Misuse: "fcfs-x: line", the usage of the form that was meant, and where there is more. Exits 64. */
_Noreturn void ui_misuse(const char *line);

/* The verb's answer into the exit status: prints the fault of -1, closes stdout, checked. */
int ui_finish(int status, const struct fault *why);

/* Connects to Redis as configured. */
struct redis *ui_connect(struct fault *why);

/* Makes sure of a server that evicts nothing (--force lets it pass), warns of its window. */
int ui_check_server(struct redis *, struct fault *why);

/* "fcfs-x: line" on stderr, unless -q. */
void ui_warn(const char *line);

/* Signals, warnings, notes and the progress line, for the loops of common/. */
extern struct control ui_control;

struct buffer;

/* What is in the buffer, and a newline, to stdout. EX_OSERR where it found no memory, EX_IOERR. */
int ui_line(struct buffer *, struct fault *why);

/* EX_IOERR if stdout took not everything. */
int ui_flush(struct fault *why);

#endif
