/*
 * letters.h - dead letters as lines for people and scripts: what fcfs-report --dead-letters lists, and
 * fcfs-issue --redrive --dry-run.
 */
#ifndef FCFS_LETTERS_H
#define FCFS_LETTERS_H

#include "kafka.h"
#include "mailbox.h"

/* Prints TIME CLASS EVENT USER TICKET ATTEMPTS REPLAYS STATUS PARTITION OFFSET MESSAGE RUN: TABs, "-"
 * where there is none; with -j an object, null. EX_IOERR. */
int letters_print(const struct letter *, struct fault *why);

/* The dead letters as configured: the topic (*kafka is opened then, and closed after the mailbox), or
 * lines on standard input. Unless it replays, nothing is fenced or written. */
int letters_open(bool replays, struct kafka **kafka, struct mailbox **, struct fault *why);

#endif
