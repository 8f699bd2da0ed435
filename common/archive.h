/*
 * archive.h - an event as JSON lines: saved, checked, compared with Redis, put back, purged.
 *
 *   {"type":"archive","v":1,"event":..,"id":..,"saved_us":..}
 *   {"type":"field","name":..,"value":..}    of the event's hash, by name
 *   {"type":"passing","name":..,"value":..}  the same, of those that go on after the end
 *   {"type":"person","ticket":..,"user":..,"joined_us":..,"granted_us":..,"left":..,"issued":..,
 *    "pending":..}                           in ticket order; values as they stand in Redis
 *   {"type":"log","value":..}                the outbox, oldest first
 *   {"type":"code","code":..}                the pool, next one first
 *   {"type":"loaded","code":..,"mark":..}    all codes ever loaded, in no order
 *   {"type":"run","value":..}                oldest first
 *   {"type":"end",COUNTS,"digest":..}        how many there are of each, and in each of the keys
 *
 * What there is not has no field. Text that is not UTF-8 is in hex, as NAME_hex. The digest is a
 * chain: libuuid's uuid_generate_sha1 of the digest so far and the line, from the nil UUID on, over
 * all lines before the last. It finds damage; it is no signature.
 *
 * Saving needs an event that has ended: closed, and nothing left to grant, to issue, to publish.
 * What may move even so (who knocks at a closed door, a dispatcher's empty passes) is "passing". All
 * else has a state, a digest made in the step; whatever changes between two looks shows in it.
 * Killed at any point: a save leaves a file without its end; a verification has changed nothing; a
 * restore leaves keys that no other tool reads, cleared by the next restore or purge; a purge is one
 * step.
 */
#ifndef FCFS_ARCHIVE_H
#define FCFS_ARCHIVE_H

#include "control.h"
#include "step.h"

/* Where a save writes. */
struct archive_out {
	void *self;
	int (*write)(void *self, const char *bytes, size_t len, struct fault *why);
};

/* Each returns an exit status of these, having said why through control where it is no, or -1.
 * EX_TEMPFAIL where the event moved meanwhile, or a signal came. */

/* STATUS_NO: it has not ended, or not for ended_ms. */
int archive_save(struct redis *, const struct place *, int64_t ended_ms, const struct archive_out *,
		 const struct control *, struct fault *why);

/* Checks the archive on fd, names each faulty line (EX_DATAERR), and compares it with the event
 * where there is one; a purge may follow where both are equal. STATUS_NO: they differ. */
int archive_verify(struct redis *, const struct place *, int fd, const struct control *,
		   struct fault *why);

/* STATUS_NO: there is such an event. EX_DATAERR: the archive is faulty, and nothing is there. */
int archive_restore(struct redis *, const char *prefix, const struct place *, int fd,
		    const struct control *, struct fault *why);

/* All keys and the name. STATUS_NO: no such event, or it was not verified or has changed since,
 * unless `force`. */
int archive_purge(struct redis *, const char *prefix, const struct place *, bool force,
		  const struct control *, struct fault *why);

/* The fault of an event that changed under a save or a verification. Returns -1. */
int archive_moved(const struct place *, struct fault *why);

#endif
