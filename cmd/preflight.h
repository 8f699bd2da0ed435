/*
 * preflight.h - is all ready? One line a check: ok|warn|fail TAB WHAT TAB DETAIL.
 */
#ifndef FCFS_PREFLIGHT_H
#define FCFS_PREFLIGHT_H

#include "step.h"

/* The server alone: address, eviction, durability. Returns 0, EX_CONFIG if a check failed, or -1. */
int preflight_server(struct redis *, struct fault *why);

/* The server, its functions and clock, the event; with brokers configured, they and the topics.
 * The same answers. */
int preflight(struct redis *, const struct place *, struct fault *why);

/* Prints one line, JSON with -j. */
void preflight_line(const char *verdict, const char *what, const char *detail);

#endif
