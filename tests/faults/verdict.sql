-- verdict.sql - what was told against what there is, when all stages have run. A row of `fault` is one violation: its
-- kind, and what it is. The tables are filled by verdict.bash, each from where it says.

CREATE TABLE answers (asked INT, answered INT, status, user, ticket INT, joined_us INT, detail); -- fcfs-join's output
CREATE TABLE leaves (status, user, ticket INT);                                -- fcfs-leave's output
CREATE TABLE seen (ticket INT, user, code);                                    -- fcfs-issue's output, whole lines
CREATE TABLE records (topic, ticket INT, user, code);                          -- committed records
CREATE TABLE ledger (ticket INT, user, code, state);
CREATE TABLE line (user, joined_us INT);                                       -- Redis, from here on; in its order
CREATE TABLE gone (user, at_us INT, state, who, code);
CREATE TABLE issued (user, granted_us INT, issued_us INT, code);
CREATE TABLE pending (user, state, partition, offset, granted_us INT, issued_us INT, code);
CREATE TABLE event (slots INT, granted INT, returned INT, cursor INT, bus, ledger);

.mode tabs
.import answers answers
.import leaves leaves
.import seen seen
.import records records
.import rows ledger
.import line line
.import gone gone
.import issued issued
.import pending pending
.import event event

CREATE TABLE place AS SELECT rowid AS ticket, user, joined_us FROM line;
CREATE INDEX place_user ON place (user);
CREATE INDEX gone_user ON gone (user);
CREATE INDEX issued_user ON issued (user);
CREATE INDEX pending_user ON pending (user);
CREATE INDEX seen_code ON seen (code);
CREATE INDEX records_ticket ON records (topic, ticket);

-- Who can still win, in order: the first of them have a slot each.
CREATE TABLE eligible AS
	SELECT row_number() OVER (ORDER BY ticket) AS nth, ticket, user FROM place WHERE user NOT IN (SELECT user FROM gone);

-- Whoever has a code, or had one that was taken back, by Redis.
CREATE TABLE coded AS
	SELECT user, code FROM issued UNION ALL SELECT user, code FROM pending
	UNION ALL SELECT user, code FROM gone WHERE code <> '';
CREATE INDEX coded_code ON coded (code);

-- The same by everybody.
CREATE TABLE given AS
	SELECT ticket, code FROM coded JOIN place USING (user) UNION SELECT ticket, code FROM seen
	UNION SELECT ticket, code FROM records WHERE code <> '' UNION SELECT ticket, code FROM ledger;

-- A slot each.
CREATE TABLE winner AS
	SELECT ticket, user FROM place WHERE user IN (SELECT user FROM issued UNION SELECT user FROM pending);

CREATE TABLE fault (kind, what);

-- What was told, and is not so.
INSERT INTO fault SELECT 'lost', format('%s was told ticket %d, joined_us %d', user, ticket, joined_us)
	FROM answers a WHERE ticket > 0 AND NOT EXISTS
		(SELECT 1 FROM place p WHERE p.user = a.user AND p.ticket = a.ticket AND p.joined_us = a.joined_us);
INSERT INTO fault SELECT 'lost', format('%s, ticket %d, was told that they have %s', user, ticket, status)
	FROM leaves WHERE status IN ('left', 'returned') AND user NOT IN (SELECT user FROM gone);
INSERT INTO fault SELECT DISTINCT 'lost', format('ticket %d was seen with a code that it has not', ticket)
	FROM (SELECT ticket, user, code FROM seen UNION SELECT ticket, user, code FROM records WHERE code <> '') s
	WHERE NOT EXISTS (SELECT 1 FROM coded c WHERE c.code = s.code AND c.user = s.user);
-- What has happened, and is not to be seen.
INSERT INTO fault SELECT 'lost', format('ticket %d is issued, and its record is nowhere', ticket)
	FROM issued i JOIN place USING (user) JOIN event
	WHERE NOT EXISTS (SELECT 1 FROM seen s WHERE s.code = i.code AND s.ticket = place.ticket)
	AND NOT EXISTS (SELECT 1 FROM records r WHERE r.topic = 'issued' AND r.ticket = place.ticket AND r.code = i.code);
INSERT INTO fault SELECT 'lost', format('ticket %d is issued, and not in the ledger', ticket)
	FROM issued i JOIN place USING (user) JOIN event ON event.ledger = 'yes'
	WHERE NOT EXISTS (SELECT 1 FROM ledger l WHERE l.ticket = place.ticket AND l.code = i.code AND l.user = i.user);
INSERT INTO fault SELECT 'lost', format('ticket %d was never published as a request', ticket)
	FROM place JOIN event ON bus = 'kafka'
	WHERE NOT EXISTS (SELECT 1 FROM records r WHERE r.topic = 'request' AND r.ticket = place.ticket AND r.user = place.user);
INSERT INTO fault SELECT 'lost', format('ticket %d is issued, and was never published as a winner', ticket)
	FROM issued JOIN place USING (user) JOIN event ON bus = 'kafka'
	WHERE NOT EXISTS (SELECT 1 FROM records r WHERE r.topic = 'winner' AND r.ticket = place.ticket AND r.user = place.user);

INSERT INTO fault SELECT 'twice', format('%s was told %d different tickets', user, count(DISTINCT ticket))
	FROM answers WHERE ticket > 0 GROUP BY user HAVING count(DISTINCT ticket) > 1;
INSERT INTO fault SELECT 'twice', format('ticket %d was told to %d different people', ticket, count(DISTINCT user))
	FROM answers WHERE ticket > 0 GROUP BY ticket HAVING count(DISTINCT user) > 1;
INSERT INTO fault SELECT 'twice', format('ticket %d has %d codes', ticket, count(*)) FROM given GROUP BY ticket HAVING count(*) > 1;
INSERT INTO fault SELECT 'twice', format('a code has %d tickets, the first is %d', count(*), min(ticket))
	FROM given GROUP BY code HAVING count(*) > 1;
INSERT INTO fault SELECT 'twice', format('the %s of ticket %d was committed %d times', topic, ticket, count(*))
	FROM records WHERE topic <> 'again' GROUP BY topic, ticket HAVING count(*) > 1;
INSERT INTO fault SELECT 'twice', format('ticket %d has %d rows in the ledger', ticket, count(*))
	FROM ledger GROUP BY ticket HAVING count(*) > 1;

-- Whose answer was out before another asked has the lower ticket: of all answers until then, the highest.
INSERT INTO fault SELECT 'reordered', format('%s has ticket %d, and ticket %d was told before they asked', user, ticket, before)
	FROM (SELECT user, ticket, asks, max(CASE WHEN NOT asks THEN ticket END) OVER
			(ORDER BY at, asks DESC ROWS UNBOUNDED PRECEDING) AS before
		FROM (SELECT asked AS at, 1 AS asks, user, ticket FROM answers WHERE ticket > 0
			UNION ALL SELECT answered, 0, user, ticket FROM answers WHERE ticket > 0))
	WHERE asks AND before > ticket;
INSERT INTO fault SELECT 'reordered', format('ticket %d has a slot, and %d before them could still win', ticket, nth - 1)
	FROM winner JOIN eligible USING (ticket) JOIN event WHERE nth > slots;

INSERT INTO fault SELECT 'over', format('granted %d - returned %d of %d slots', granted, returned, slots)
	FROM event WHERE granted - returned > slots;
INSERT INTO fault SELECT 'over', format('ticket %d has a code, and %d slots were given before', ticket, nth - 1)
	FROM (SELECT ticket, row_number() OVER (ORDER BY ticket) AS nth FROM winner) JOIN event WHERE nth > slots;
INSERT INTO fault SELECT 'over', format('ticket %d has a code, and was not granted', ticket) FROM winner JOIN event WHERE ticket > cursor;

INSERT INTO fault SELECT 'under', format('ticket %d could win, and has no code', ticket)
	FROM eligible e JOIN event WHERE nth <= slots
	AND user NOT IN (SELECT user FROM issued UNION SELECT user FROM pending WHERE state LIKE 'parked%');

.mode list
.separator ' '
SELECT kind, count(*) FROM fault GROUP BY kind;
SELECT '#', kind, what FROM (SELECT *, row_number() OVER (PARTITION BY kind) AS nth FROM fault) WHERE nth <= 10;
