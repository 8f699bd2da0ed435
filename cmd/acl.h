/*
 * acl.h - what each role may do on a Redis server (redis.io, "ACL").
 */
#ifndef FCFS_ACL_H
#define FCFS_ACL_H

/* Prints an ACL SETUSER command a role, without passwords: each may call its own functions and the
 * commands these use, on the keys below the prefix. Returns 0. */
int acl_print(const char *prefix);

#endif
