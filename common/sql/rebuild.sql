-- An event as its topics and its ledger know it, put where an audit puts what Redis has, so that the
-- promises can be asked of it before it is there. Given in `field`: event, id, who rebuilds, and rebuilt_us,
-- the least that it may be.

-- The line. Nobody wins unheard of, so the requests have all that was ever published of it.
INSERT OR IGNORE INTO line (ticket, user, joined_us)
SELECT ticket, user, joined_us FROM request
WHERE typeof(ticket) = 'integer' AND ticket > 0 ORDER BY ticket;

-- Who left by hand, and as what.
UPDATE line SET left_us = d.at_us, left_state = d.before, left_who = d.who
FROM (SELECT ticket, user, at_us, before, who, min(seq) FROM entry WHERE what IN ('leave', 'revoke') GROUP BY ticket) AS d
WHERE line.ticket = d.ticket AND line.user = d.user;

-- How far slots were granted: as far as winners were published, or as a decision that was tells.
CREATE TABLE reach AS
SELECT published, max(published, coalesce((SELECT max(ticket) FROM line WHERE left_state <> 'waiting'), 0)) AS cursor
FROM (SELECT iif(p.winners, p.winners, coalesce((SELECT max(w.ticket) FROM winner AS w JOIN line USING (ticket, user, joined_us)), 0))
	AS published FROM progress AS p);

-- Each record of a winner of ours; anybody may write others there.
CREATE TABLE copy AS
SELECT w.ticket, w.partition, w.offset, w.replays, w.granted_us, w.offset >= coalesce(r.committed, 0) AS unread,
	d.class, d.run, d.rowid IS NOT NULL AS dead
FROM reach JOIN winner AS w ON w.ticket <= cursor JOIN line USING (ticket, user, joined_us)
	LEFT JOIN reader AS r ON r.partition = w.partition
	LEFT JOIN letter AS d ON d.original_partition = w.partition AND d.original_offset = w.offset;

-- The last of a ticket's, and the last that died having a code. Of a winner whose record is gone for its age,
-- what came of it tells.
CREATE TABLE sent (ticket INTEGER PRIMARY KEY, granted_us INTEGER, partition INTEGER, offset INTEGER, replays INTEGER,
	unread INTEGER, dead INTEGER);
INSERT INTO sent
SELECT ticket, granted_us, partition, offset, replays, unread, dead
FROM (SELECT *, max(replays << 40 | offset) FROM copy GROUP BY ticket);
INSERT OR IGNORE INTO sent
SELECT i.ticket, i.granted_us, NULL, NULL, 0, 0, 0 FROM reach, issued AS i JOIN line USING (ticket, user, joined_us)
WHERE i.ticket <= cursor
UNION ALL
SELECT l.ticket, l.granted_us, NULL, NULL, 0, 0, 0 FROM reach, ledger AS l JOIN line USING (ticket, user, joined_us)
WHERE l.ticket <= cursor;
CREATE TABLE given_up (ticket INTEGER PRIMARY KEY, run TEXT, partition INTEGER, offset INTEGER, replays INTEGER);
INSERT INTO given_up
SELECT ticket, run, partition, offset, replays
FROM (SELECT *, max(replays << 40 | offset) FROM copy WHERE class IN ('undeliverable', 'exhausted') GROUP BY ticket);

-- The steps that granted. Of what was granted and not published it is only known that a decision came later;
-- nobody has heard of it, so any time before that will do.
UPDATE line SET step_us = sent.granted_us FROM sent WHERE sent.ticket = line.ticket;
UPDATE line SET step_us = (SELECT min(at_us) - 1 FROM entry, reach
	WHERE what IN ('leave', 'revoke') AND before <> 'waiting' AND ticket > published)
FROM reach
WHERE ticket > published AND ticket <= cursor AND left_state IS NOT 'waiting' AND step_us IS NULL;
UPDATE line SET step_us = next.us
FROM (SELECT ticket, min(step_us) OVER (ORDER BY ticket DESC) AS us FROM line, reach WHERE ticket <= cursor) AS next
WHERE next.ticket = line.ticket AND line.step_us IS NULL;

-- A ticket that was passed over, and of which nothing else is known, had left: only that is passed over. So
-- its leaving had not reached the log.
CREATE TABLE presumed AS
SELECT ticket, user FROM line, reach
WHERE ticket <= published AND left_us IS NULL AND ticket NOT IN (SELECT ticket FROM sent);

-- The moment of the rebuild is later than all that it finds.
UPDATE field SET value = max(CAST(value AS INTEGER), 1 + max(
	coalesce((SELECT max(joined_us) FROM line), 0), coalesce((SELECT max(step_us) FROM line), 0),
	coalesce((SELECT max(at_us) FROM entry), 0), coalesce((SELECT max(issued_us) FROM issued), 0)))
WHERE name = 'rebuilt_us';
CREATE TABLE now AS
SELECT (SELECT value FROM field WHERE name = 'rebuilt_us') AS us, (SELECT value FROM field WHERE name = 'who') AS who,
	(SELECT value FROM field WHERE name = 'event') AS event, (SELECT value FROM field WHERE name = 'id') AS id,
	coalesce((SELECT max(seq) FROM entry), 0) AS seq;

UPDATE line SET left_us = coalesce(step_us, now.us), left_state = 'waiting', left_who = now.who
FROM now WHERE ticket IN (SELECT ticket FROM presumed);

-- What came of a ticket that won. The ledger wins: it is written first. A code that nobody knows any more was
-- not delivered; the ticket is granted, and its dead letter waits to be sent again.
CREATE TABLE fate AS
SELECT line.ticket, s.partition, s.offset, s.unread, s.dead, g.run, g.partition AS died_partition, g.offset AS died_offset,
	coalesce(l.granted_us, i.granted_us) AS granted_us, coalesce(l.issued_us, i.issued_us) AS issued_us,
	coalesce(l.code, i.code) AS code, g.ticket IS NOT NULL AS given_up,
	CASE
	WHEN coalesce(l.code, i.code) IS NULL THEN 'granted'
	WHEN l.state = 'returned' THEN 'returned'
	WHEN i.ticket IS NOT NULL THEN 'issued'
	WHEN g.ticket IS NOT NULL AND (l.state = 'parked' OR s.replays <= g.replays) THEN 'parked'
	WHEN s.unread THEN 'assigned'
	WHEN l.state = 'parked' THEN 'parked'
	ELSE 'issued'
	END AS state
FROM sent AS s JOIN line USING (ticket)
	LEFT JOIN (SELECT * FROM issued GROUP BY ticket) AS i ON i.ticket = s.ticket AND i.user = line.user
	LEFT JOIN ledger AS l ON l.ticket = s.ticket AND l.user = line.user
	LEFT JOIN given_up AS g ON g.ticket = s.ticket
ORDER BY s.ticket;

-- A revoke that the ledger knows of alone.
CREATE TABLE revoked AS
SELECT ticket, user FROM fate JOIN line USING (ticket) WHERE state = 'returned' AND left_us IS NULL;
UPDATE line SET left_us = now.us, left_state = 'issued', left_who = now.who
FROM now WHERE ticket IN (SELECT ticket FROM revoked);

UPDATE line SET left_code = fate.code FROM fate
WHERE fate.ticket = line.ticket AND left_state IN ('issued', 'parked');
UPDATE line SET issued_granted_us = fate.granted_us, issued_us = fate.issued_us, issued_code = fate.code FROM fate
WHERE fate.ticket = line.ticket AND left_us IS NULL AND state = 'issued';
UPDATE line SET pending_state = state, run = iif(state = 'parked', fate.run, NULL),
	partition = iif(state = 'parked', died_partition, fate.partition),
	offset = iif(state = 'parked', died_offset, fate.offset),
	pending_granted_us = fate.granted_us, pending_us = fate.issued_us, pending_code = fate.code FROM fate
WHERE fate.ticket = line.ticket AND left_us IS NULL AND state IN ('parked', 'assigned');

-- Settings; and what else the log tells.
INSERT OR REPLACE INTO field SELECT name, value FROM logged;
INSERT INTO field
SELECT 'state_us', at_us FROM (SELECT at_us, max(seq) FROM entry WHERE what = 'set' AND after LIKE 'state=%')
WHERE at_us IS NOT NULL;

-- The codes of a pool that were used, or may have been; the others its file has.
INSERT INTO pool
SELECT code, 'loaded' FROM (SELECT code FROM ledger UNION SELECT code FROM issued), field
WHERE name = 'codes' AND value = 'pool';
INSERT INTO pool
SELECT 'the lost code of ticket ' || ticket, 'loaded' FROM line, field
WHERE name = 'codes' AND value = 'pool' AND left_state IN ('issued', 'parked') AND left_code IS NULL;

-- What goes into the log: what it did not have, and the rebuild itself.
INSERT INTO entry (place, offset, seq, at_us, what, user, ticket, before, after, who)
SELECT 'the outbox', n, now.seq + n, now.us, what, user, ticket, before, after, now.who
FROM now, (
	SELECT row_number() OVER (ORDER BY turn, ticket) AS n, what, user, ticket, before, after
	FROM (
		SELECT 1 AS turn, 'leave' AS what, user, ticket, 'waiting' AS before, 'left' AS after FROM presumed
		UNION ALL SELECT 2, 'revoke', user, ticket, 'issued', 'returned' FROM revoked
		UNION ALL SELECT 3, 'rebuild', '', 0, '', 'requests=' || (SELECT count(*) FROM line)
			|| ' winners=' || published || ' seq=' || seq FROM reach, now));

INSERT INTO field
SELECT 'cursor', cursor FROM reach
UNION ALL SELECT 'published_winners', published FROM reach
UNION ALL SELECT 'published_requests', count(*) FROM line
UNION ALL SELECT 'published_seq', seq FROM now
UNION ALL SELECT 'seq', max(seq) FROM entry
UNION ALL SELECT 'bus', 'kafka'
UNION ALL SELECT 'codes_loaded', count(*) FROM pool
UNION ALL SELECT 'joined', count(*) FROM line
UNION ALL SELECT 'left', count(*) FROM line WHERE left_state = 'waiting'
UNION ALL SELECT 'granted', count(*) FROM line, reach WHERE ticket <= cursor AND left_state IS NOT 'waiting'
UNION ALL SELECT 'returned', count(*) FROM line WHERE left_state <> 'waiting'
UNION ALL SELECT 'issued', count(*) FROM line WHERE issued_us IS NOT NULL OR left_state = 'issued'
UNION ALL SELECT 'parked', count(*) FROM line WHERE pending_state = 'parked'
UNION ALL SELECT 'revoked', count(*) FROM line WHERE left_state IN ('issued', 'parked')
UNION ALL SELECT 'burnt', count(*) FROM line WHERE left_state IN ('issued', 'parked');

-- Those that go on by themselves: nothing of that is in the log, but how far time has gone.
CREATE TABLE passing AS
SELECT 'already' AS name, 0 AS value
UNION ALL SELECT 'epoch', us FROM now
UNION ALL SELECT 'pass_us', coalesce((SELECT max(step_us) FROM line), 0)
UNION ALL SELECT 'refused_closed', 0
UNION ALL SELECT 'refused_early', 0
UNION ALL SELECT 'refused_left', 0
UNION ALL SELECT 'refused_paused', 0
UNION ALL SELECT 'refused_soldout', 0
UNION ALL SELECT 'settled', 0;
INSERT INTO field SELECT name, value FROM passing;
DELETE FROM field WHERE name = 'who';

-- Why there can be no such line: none, or the first reason. Redis has times up to 2^53.
CREATE TABLE unsound AS
SELECT 'ticket ' || (ticket - 1) || ' is not in event_requests' AS why, 1 AS turn, ticket
FROM (SELECT ticket, row_number() OVER (ORDER BY ticket) AS n FROM line) WHERE ticket <> n
UNION ALL
SELECT 'ticket ' || later.ticket || ' joined no later than the one before', 2, later.ticket
FROM line AS earlier JOIN line AS later ON later.ticket = earlier.ticket + 1
WHERE later.joined_us <= earlier.joined_us
UNION ALL
SELECT 'ticket ' || ticket || ' joined at no time', 2, ticket
FROM line WHERE (joined_us BETWEEN 1 AND (1 << 53) - 1) IS NOT TRUE
UNION ALL
SELECT 'a record of it has a time that is none', 4, 0 FROM now WHERE us >= 1 << 53
UNION ALL
SELECT 'tickets ' || min(ticket) || ' and ' || max(ticket) || ' are the same person''s', 3, ticket
FROM line GROUP BY user HAVING count(*) > 1
UNION ALL
SELECT 'the log has no record of its creation', 0, 0 WHERE NOT EXISTS (SELECT * FROM given)
UNION ALL
SELECT 'its progress record makes no sense', -3, 0 FROM progress WHERE requests IS NULL
UNION ALL
SELECT 'the ledger has a row of ticket ' || ticket || ' that fcfs did not write', -2, ticket FROM ledger WHERE state IS NULL
UNION ALL
SELECT 'the ledger has several rows of ticket ' || ticket, -1, ticket FROM ledger GROUP BY ticket HAVING count(*) > 1
ORDER BY 2, 3 LIMIT 1;

-- What cannot be told, and is guessed: like a breach, with the promise that it may break.
CREATE TABLE doubt AS
SELECT 'P4' AS promise, 'a winner is told from one who left' AS what, user, ticket,
	'no winner in gifticon_publish, whose oldest records are gone' AS found
FROM presumed, source WHERE source.name = 'gifticon_publish' AND gone > 0
UNION ALL
SELECT 'P5', 'a code of the pool is used once', user, ticket, 'had a code, and it is in no ledger'
FROM line LEFT JOIN fate USING (ticket) JOIN field ON field.name = 'codes' AND field.value = 'pool'
WHERE left_state IN ('issued', 'parked') AND left_code IS NULL OR fate.state = 'granted' AND given_up
UNION ALL
SELECT 'P10', 'a setting is what the log says', NULL, NULL, 'created with ' || word || ', and at what time it does not say'
FROM given, (SELECT 'opens' AS word UNION ALL SELECT 'closes')
WHERE instr(text, ' ' || word || '= ') = 0
	AND NOT EXISTS (SELECT * FROM entry WHERE what = 'set' AND after LIKE word || '_us=%');

-- The verdict's lines, in order: names that end in _us are times.
CREATE TABLE verdict AS
SELECT 'people' AS name, (SELECT count(*) FROM line) AS value
UNION ALL SELECT 'left', value FROM field WHERE name = 'left'
UNION ALL SELECT 'granted', value FROM field WHERE name = 'granted'
UNION ALL SELECT 'returned', value FROM field WHERE name = 'returned'
UNION ALL SELECT 'revoked', value FROM field WHERE name = 'revoked'
UNION ALL SELECT 'issued', count(issued_us) FROM line
UNION ALL SELECT 'assigned', count(*) FROM line WHERE pending_state = 'assigned'
UNION ALL SELECT 'parked', value FROM field WHERE name = 'parked'
UNION ALL SELECT 'unissued', count(*) FROM line, reach
	WHERE ticket <= cursor AND left_us IS NULL AND issued_us IS NULL AND pending_state IS NULL
UNION ALL SELECT 'redrive', count(*) FROM line JOIN fate USING (ticket)
	WHERE left_us IS NULL AND state = 'granted' AND dead AND NOT unread
UNION ALL SELECT 'left_unlogged', count(*) FROM presumed
UNION ALL SELECT 'revoked_unlogged', count(*) FROM revoked
UNION ALL SELECT 'unpublished_decisions', count(*) FROM entry WHERE place = 'the outbox'
UNION ALL SELECT 'codes_used', iif(value = 'pool', (SELECT count(*) FROM pool), NULL) FROM field WHERE name = 'codes'
UNION ALL SELECT 'codes_missing', iif(value = 'pool', max(0, (SELECT value FROM field WHERE name = 'codes_logged')
	- (SELECT count(*) FROM pool)), NULL) FROM field WHERE name = 'codes'
UNION ALL SELECT 'last_ticket', (SELECT count(*) FROM line)
UNION ALL SELECT 'last_joined_us', (SELECT max(joined_us) FROM line)
UNION ALL SELECT 'last_winner', published FROM reach
UNION ALL SELECT 'last_granted_us', (SELECT max(step_us) FROM line)
UNION ALL SELECT 'last_decision', now.seq FROM now
UNION ALL SELECT 'last_decided_us', (SELECT max(at_us) FROM entry WHERE place = 'event_log')
UNION ALL SELECT 'epoch', us FROM now;
