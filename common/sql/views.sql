-- Made when all is there: what the promises are asked of.

CREATE INDEX pool_code ON pool (code);

-- What somebody else wrote, and says what another record does: it is told, and is left out of all else.
CREATE TABLE copied (place TEXT, id INTEGER, user TEXT, ticket INTEGER);
INSERT INTO copied
SELECT 'event_requests', r.rowid, user, ticket FROM request AS r WHERE NOT ours AND EXISTS (SELECT * FROM request AS o
	WHERE o.ticket = r.ticket AND (o.user, o.joined_us) IS (r.user, r.joined_us) AND (o.ours OR o.rowid < r.rowid))
UNION ALL
SELECT 'gifticon_publish', r.rowid, user, ticket FROM winner AS r WHERE NOT ours AND EXISTS (SELECT * FROM winner AS o
	WHERE o.ticket = r.ticket AND o.user = r.user AND (o.ours OR o.rowid < r.rowid)) AND replays = 0
UNION ALL
SELECT 'gifticon_issued', r.rowid, user, ticket FROM issued AS r WHERE NOT ours AND EXISTS (SELECT * FROM issued AS o
	WHERE o.ticket = r.ticket AND (o.user, o.joined_us, o.granted_us, o.issued_us, o.code)
		IS (r.user, r.joined_us, r.granted_us, r.issued_us, r.code) AND (o.ours OR o.rowid < r.rowid))
UNION ALL
SELECT 'event_log', r.rowid, user, ticket FROM entry AS r WHERE NOT ours AND EXISTS (SELECT * FROM entry AS o
	WHERE o.seq = r.seq AND o.place = r.place AND (o.at_us, o.what, o.user, o.ticket, o.before, o.after, o.who)
		IS (r.at_us, r.what, r.user, r.ticket, r.before, r.after, r.who) AND (o.ours OR o.rowid < r.rowid));
DELETE FROM request WHERE rowid IN (SELECT id FROM copied WHERE place = 'event_requests');
DELETE FROM winner WHERE rowid IN (SELECT id FROM copied WHERE place = 'gifticon_publish');
DELETE FROM issued WHERE rowid IN (SELECT id FROM copied WHERE place = 'gifticon_issued');
DELETE FROM entry WHERE rowid IN (SELECT id FROM copied WHERE place = 'event_log');

-- One row: the event's hash, and the slots that there are; rebuilt, it has more codes than are loaded again.
CREATE TABLE event AS
SELECT *, CASE codes WHEN 'pool' THEN min(stock, max(codes_loaded, codes_logged) - burnt) ELSE stock END AS slots
FROM (SELECT
	max(value) FILTER (WHERE name = 'bus') AS bus,
	max(value) FILTER (WHERE name = 'codes') AS codes,
	max(value) FILTER (WHERE name = 'state') AS door,
	max(value) FILTER (WHERE name = 'stock') AS stock,
	max(value) FILTER (WHERE name = 'opens_us') AS opens_us,
	max(value) FILTER (WHERE name = 'joined') AS joined,
	max(value) FILTER (WHERE name = 'left') AS "left",
	max(value) FILTER (WHERE name = 'granted') AS granted,
	max(value) FILTER (WHERE name = 'returned') AS returned,
	max(value) FILTER (WHERE name = 'issued') AS issued,
	max(value) FILTER (WHERE name = 'parked') AS parked,
	max(value) FILTER (WHERE name = 'revoked') AS revoked,
	max(value) FILTER (WHERE name = 'burnt') AS burnt,
	max(value) FILTER (WHERE name = 'codes_loaded') AS codes_loaded,
	max(value) FILTER (WHERE name = 'codes_logged') AS codes_logged,
	max(value) FILTER (WHERE name = 'cursor') AS cursor,
	max(value) FILTER (WHERE name = 'settled') AS settled,
	max(value) FILTER (WHERE name = 'seq') AS seq,
	max(value) FILTER (WHERE name = 'published_requests') AS published_requests,
	max(value) FILTER (WHERE name = 'published_winners') AS published_winners,
	max(value) FILTER (WHERE name = 'published_seq') AS published_seq
	FROM (SELECT name, iif(value <> '' AND value NOT GLOB '*[^0-9]*', CAST(value AS INTEGER), value) AS value
		FROM field));

-- A ticket and its life; it has won where a grant step gave it a slot, whatever came of that.
CREATE VIEW ticket AS
SELECT line.*,
	CASE
	WHEN left_state = 'waiting' THEN 'left'
	WHEN left_state = 'granted' THEN 'returned'
	WHEN left_state IS NOT NULL THEN 'revoked'
	WHEN issued_us IS NOT NULL THEN 'issued'
	WHEN pending_state IS NOT NULL THEN pending_state
	WHEN ticket <= (SELECT cursor FROM event) THEN 'granted'
	ELSE 'waiting'
	END AS state,
	ticket <= (SELECT cursor FROM event) AND left_state IS NOT 'waiting' AS won,
	coalesce(issued_granted_us, pending_granted_us, step_us) AS granted_us,
	coalesce(issued_us, pending_us) AS code_us,
	coalesce(issued_code, pending_code, left_code) AS code
FROM line;

-- The log, each entry once.
CREATE TABLE decision AS SELECT * FROM entry GROUP BY seq;
CREATE INDEX decision_ticket ON decision (ticket);

-- One row: the counters, counted anew.
CREATE TABLE recount AS
SELECT count(*) AS joined,
	count(*) FILTER (WHERE state = 'left') AS "left",
	count(*) FILTER (WHERE won) AS granted,
	count(*) FILTER (WHERE state IN ('returned', 'revoked')) AS returned,
	count(*) FILTER (WHERE issued_us IS NOT NULL OR left_state = 'issued') AS issued,
	count(*) FILTER (WHERE state = 'parked') AS parked,
	count(*) FILTER (WHERE state = 'revoked') AS revoked,
	count(*) FILTER (WHERE state IN ('granted', 'assigned')) AS unissued,
	count(left_us) AS left_marks,
	count(issued_us) AS issued_marks,
	count(pending_state) AS pending_marks,
	count(DISTINCT step_us) AS steps
FROM ticket;
