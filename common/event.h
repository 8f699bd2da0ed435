/*
 * event.h - an event's settings and counters: made once, changed by guarded steps, shown.
 */
#ifndef FCFS_EVENT_H
#define FCFS_EVENT_H

#include "step.h"

enum { EVENT_TITLE_MAX = 128 };

struct event {
	char id[UUID_LEN + 1];
	char title[EVENT_TITLE_MAX + 1]; /* the setting "name" */
	char state[16];			 /* as set: open, paused, closed */
	char door[16];			 /* as it is now: open, paused, closed, early */
	char codes[16];			 /* random, uuid, pool */
	char bus[16];			 /* "", pipe, kafka */
	char lease[128];		 /* the dispatcher that holds it, "" */
	int64_t stock, standby, opens_us, closes_us, created_us;
	int64_t joined, already, left, granted, returned, issued, revoked, burnt;
	int64_t parked; /* now */
	int64_t refused_soldout, refused_early, refused_closed, refused_paused, refused_left;
	int64_t cursor;	    /* the last ticket a grant step has passed */
	int64_t settled;    /* all tickets up to it are issued or given back */
	int64_t epoch;	    /* grows with each taking of the lease, and each restore */
	int64_t rebuilt_us; /* from its topics, the last time; 0: never */
	int64_t pass_us;    /* when a dispatcher last looked for somebody to grant */
	int64_t seq;	    /* how many decisions were recorded */
	int64_t codes_loaded, codes_left;			      /* of a pool: ever, and now */
	int64_t published_requests, published_winners, published_seq; /* as mirrored by dispatch */
	int64_t lease_ms, now_us, in_line, assigned_now, issued_now;
	int64_t first_joined_us, last_joined_us;
};

/* What create is given; `opens` and `closes` as text, too: creating again compares what was typed. */
struct event_settings {
	int64_t stock, standby, opens_us, closes_us;
	const char *opens, *closes, *codes, *title;
};

enum event_creation { EVENT_CREATED, EVENT_SAME, EVENT_DIFFERS };

/* Registers the name, then creates the event with this id and leaves the id it has in `id`.
 * Returns an enum event_creation (EVENT_DIFFERS with the reason in why, EX_DATAERR), or -1. */
int event_create(struct redis *, const char *prefix, const struct place *,
		 const struct event_settings *, char id[UUID_LEN + 1], const char *who,
		 struct fault *why);

/* One change: the field's name as stored and its value as text. */
struct event_change {
	const char *field;
	char value[EVENT_TITLE_MAX + 1];
};

/* All changes in one step, recorded. EX_DATAERR where stock would fall below what is granted, or the
 * event would close before it opens. */
int event_set(struct redis *, const struct place *, const char *who, const struct event_change *,
	      size_t count, struct fault *why);

/* EX_CONFIG where there is none. */
int event_show(struct redis *, const struct place *, struct event *, struct fault *why);

/* Sets the member that has this field, or none. */
void event_keep(struct event *, const char *name, const char *value);

/* The names of all events, in no order, some perhaps never created. The caller releases the reply. */
int event_names(struct redis *, const char *prefix, struct reply *, struct fault *why);

/* The next of them; NULL behind the last. What is no event's name, others have put there: it is passed over. */
const char *event_next_name(struct reply *names);

/* Are its codes supplied (fcfs-codes load)? */
bool event_has_pool(const struct event *);

/* The codes of a pool that can win something: all that were loaded and not burnt. */
int64_t event_good_codes(const struct event *);

/* Puts the name among those of all events, before there is the event; keeps it there once there is, where
 * replicas are waited for: returns when they have it. Takes it away. Each may be repeated. */
int event_name_add(struct redis *, const char *prefix, const struct place *, struct fault *why);
int event_name_keep(struct redis *, const char *prefix, const struct place *, struct fault *why);
int event_name_drop(struct redis *, const char *prefix, const struct place *, struct fault *why);

/* In line and neither granted nor left. */
int64_t event_waiting(const struct event *);

/* NULL for a legal title: words as in a person's name, between single spaces; may be empty. */
const char *event_title_fault(const char *title);

#endif
