-- The promises of fcfs(7), a query each: it finds what breaks them. `-- P1 words` names the promise and
-- what is asked; the columns are the person, the ticket, and what was found where (NULL: there is none).
-- `final` ones hold when all stages have run: till then what they find is under way. `notice`: what they find
-- is harmless, and is only told.

-- P1 a person has one ticket
SELECT user, min(ticket), 'ticket ' || max(ticket) || ', too, in ' || group_concat(DISTINCT place)
FROM (
	SELECT user, ticket, 'the line' AS place FROM line
	UNION ALL
	SELECT r.user, r.ticket, 'event_requests' FROM request AS r LEFT JOIN line AS l ON l.ticket = r.ticket
	WHERE r.user IS NOT l.user
	UNION ALL
	SELECT i.user, i.ticket, 'gifticon_issued' FROM issued AS i LEFT JOIN line AS l ON l.ticket = i.ticket
	WHERE i.user IS NOT l.user
	UNION ALL
	SELECT k.user, k.ticket, 'the ledger' FROM ledger AS k LEFT JOIN line AS l ON l.ticket = k.ticket
	WHERE k.user IS NOT l.user AND k.state <> 'returned')
GROUP BY user HAVING min(ticket) <> max(ticket);

-- P2 who joined later has a higher ticket
SELECT later.user, later.ticket,
	'joined_us ' || later.joined_us || ' in the line, the ticket before ' || earlier.joined_us
FROM line AS earlier JOIN line AS later ON later.ticket = earlier.ticket + 1
WHERE later.joined_us <= earlier.joined_us;

-- P2 the log has the line, as far as it is published
SELECT l.user, l.ticket, iif(r.ticket IS NULL,
	'not in event_requests', 'in event_requests ' || ifnull(r.user, 'nobody') || ', joined_us ' || ifnull(r.joined_us, 'none'))
FROM progress JOIN line AS l ON l.ticket <= progress.requests
	LEFT JOIN request AS r ON r.ticket = l.ticket
WHERE r.ticket IS NOT NULL AND (r.user, r.joined_us) IS NOT (l.user, l.joined_us)
	OR r.ticket IS NULL AND (SELECT gone FROM source WHERE name = 'event_requests') = 0;

-- P2 the log has nobody who is not in line
SELECT r.user, r.ticket, 'in event_requests, and the line ends with ticket ' || event.joined
FROM event, request AS r LEFT JOIN line AS l ON l.ticket = r.ticket
WHERE l.ticket IS NULL;

-- P2 the log has a ticket once
SELECT user, ticket, count(*) || ' times in event_requests'
FROM request GROUP BY ticket HAVING count(*) > 1;

-- P2 the log is in order, in each partition
SELECT user, ticket, 'in event_requests at ' || partition || ':' || offset || ', behind ticket ' || earlier
FROM (SELECT *, lag(ticket) OVER line AS earlier, lag(partition) OVER line AS same FROM request
	WINDOW line AS (ORDER BY rowid))
WHERE partition = same AND ticket <= earlier;

-- P3 slots granted less slots returned are not more than there are
SELECT NULL, NULL, (c.granted - c.returned) || ' slots are granted of ' || slots
FROM event, recount AS c WHERE c.granted - c.returned > slots;

-- P3 and never were more than the stock was then
SELECT NULL, ticket, taken || ' slots are taken with the step of ' || us || ', and stock is ' || stock
FROM (
	SELECT us, turn, ticket, taken, max(stock) OVER (PARTITION BY edits) AS stock
	FROM (
		SELECT us, turn, ticket, stock, sum(slots) OVER so_far AS taken,
			count(stock) OVER so_far AS edits
		FROM (
			SELECT left_us AS us, 1 AS turn, ticket, -1 AS slots, NULL AS stock
			FROM ticket WHERE state IN ('returned', 'revoked')
			UNION ALL
			SELECT at_us, 2, NULL, 0, CAST(substr(after, length('stock=') + 1) AS INTEGER)
			FROM decision WHERE what IN ('create', 'set') AND after LIKE 'stock=%'
			UNION ALL
			SELECT step_us, 3, max(ticket), count(*), NULL
			FROM ticket WHERE won AND step_us IS NOT NULL GROUP BY step_us)
		WINDOW so_far AS (ORDER BY us, turn)))
WHERE turn = 3 AND taken > stock;

-- P3 who was not granted a slot has no code
SELECT user, ticket, state || ' in Redis, and slots are granted up to ticket ' || cursor
FROM ticket, event
WHERE ticket > cursor AND state NOT IN ('waiting', 'left')
UNION ALL
SELECT i.user, i.ticket, 'in ' || i.place || ', in Redis ' || coalesce(t.state, 'not in line')
FROM (
	SELECT user, ticket, 'gifticon_issued' AS place FROM issued
	UNION ALL SELECT user, ticket, 'the ledger' FROM ledger) AS i
	LEFT JOIN ticket AS t ON t.ticket = i.ticket
WHERE t.won IS NOT 1;

-- P3 winners are the first in line who had not left
SELECT user, ticket, iif(state = 'left',
	'passed over ' || step_us || ', and left only ' || left_us, state || ' by no grant step')
FROM ticket, event
WHERE ticket <= cursor AND iif(state = 'left', left_us > step_us, step_us IS NULL);

-- P3 slots are granted in the order of the line
SELECT later.user, later.ticket,
	'granted ' || later.step_us || ', the ticket before ' || earlier.step_us
FROM line AS earlier JOIN line AS later ON later.ticket = earlier.ticket + 1
WHERE later.step_us < earlier.step_us;

-- P3 a winner on the topic is one
SELECT w.user, w.ticket, 'in gifticon_publish at ' || w.partition || ':' || w.offset || ', in Redis '
	|| coalesce(t.user || ' ' || t.state || ', granted ' || ifnull(t.step_us, 'never'), 'not in line')
FROM winner AS w LEFT JOIN ticket AS t ON t.ticket = w.ticket
WHERE (t.won IS NOT 1 OR (t.user, t.joined_us, t.step_us) IS NOT (w.user, w.joined_us, w.granted_us))
	AND NOT EXISTS (SELECT * FROM letter AS d
		WHERE d.original_partition = w.partition AND d.original_offset = w.offset);

-- P4 every winner is on the topic, as far as they are published
SELECT t.user, t.ticket, 'not in gifticon_publish, in Redis ' || t.state
FROM progress JOIN ticket AS t ON t.ticket <= progress.winners
WHERE t.won AND NOT EXISTS (SELECT * FROM winner AS w WHERE w.ticket = t.ticket)
	AND (SELECT gone FROM source WHERE name = 'gifticon_publish') = 0;

-- P4 and once, unless it was sent again
SELECT w.user, w.ticket, count(*) || ' times in gifticon_publish'
FROM (SELECT ticket FROM winner GROUP BY ticket HAVING count(*) > 1) AS several
	JOIN winner AS w ON w.ticket = several.ticket
	JOIN ticket AS t ON t.ticket = w.ticket AND t.user = w.user
WHERE t.won AND w.replays = 0 AND NOT EXISTS (SELECT * FROM letter AS d
	WHERE d.original_partition = w.partition AND d.original_offset = w.offset)
GROUP BY w.ticket HAVING count(*) > 1;

-- P4 what is settled is issued, parked or given back
SELECT user, ticket, state || ' in Redis, and all up to ticket ' || settled || ' is settled'
FROM ticket, event WHERE ticket <= settled AND state IN ('granted', 'assigned');

-- P4 no winner was read and passed over
SELECT t.user, t.ticket, 'read at ' || w.partition || ':' || w.offset || ' of gifticon_publish, and '
	|| t.state || ' in Redis'
FROM ticket AS t JOIN winner AS w ON w.ticket = t.ticket JOIN reader AS r ON r.partition = w.partition
WHERE t.state = 'granted' AND w.user = t.user AND w.offset < r.committed
	AND NOT EXISTS (SELECT * FROM letter AS d
		WHERE d.original_partition = w.partition AND d.original_offset = w.offset);

-- P4 final: every slot that somebody can win is granted
SELECT NULL, NULL, size.value || ' slots are free, and people wait'
FROM size, event
WHERE size.name = 'winnable' AND size.value > 0 AND event.door <> 'paused'
	AND opens_us <= (SELECT value FROM size WHERE name = 'now_us');

-- P4 final: every winner has a code, or is parked
SELECT user, ticket, state || ' in Redis' FROM ticket WHERE state IN ('granted', 'assigned');

-- P4 final: all of it is published
SELECT NULL, NULL, name || ' up to ' || published || ' are published, of ' || there || ': fcfs-dispatch does it'
FROM (
	SELECT 'requests' AS name, p.requests AS published, e.joined AS there FROM progress AS p, event AS e
	UNION ALL SELECT 'winners', p.winners, e.cursor FROM progress AS p, event AS e
	UNION ALL SELECT 'decisions', p.seq, e.seq FROM progress AS p, event AS e)
WHERE published < there;

-- P5 no two winners have the same code
SELECT NULL, min(ticket), 'the code of ticket ' || max(ticket) || ', too, in '
	|| group_concat(DISTINCT place)
FROM (
	SELECT code, ticket, 'Redis' AS place FROM ticket
	UNION ALL
	SELECT i.code, i.ticket, 'gifticon_issued' FROM issued AS i LEFT JOIN ticket AS t ON t.ticket = i.ticket
	WHERE i.code IS NOT t.code
	UNION ALL
	SELECT k.code, k.ticket, 'the ledger' FROM ledger AS k LEFT JOIN ticket AS t ON t.ticket = k.ticket
	WHERE k.code IS NOT t.code)
WHERE code IS NOT NULL GROUP BY code HAVING min(ticket) <> max(ticket);

-- P5 every code issued is on the topic
SELECT t.user, t.ticket, t.state || ' in Redis, not in gifticon_issued'
FROM progress JOIN ticket AS t
WHERE (t.state = 'issued' OR t.left_state = 'issued')
	AND NOT EXISTS (SELECT * FROM issued AS i WHERE i.ticket = t.ticket)
	AND (SELECT gone FROM source WHERE name = 'gifticon_issued') = 0;

-- P5 the topic has it once
SELECT user, ticket, count(*) || ' times in gifticon_issued'
FROM issued GROUP BY ticket HAVING count(*) > 1;

-- P5 the topic says what Redis says
SELECT i.user, i.ticket, CASE
	WHEN t.state IN ('granted', 'parked', 'returned') THEN 'in gifticon_issued, and ' || t.state || ' in Redis'
	WHEN t.left_state = 'parked' THEN 'in gifticon_issued, and revoked while it was parked in Redis'
	WHEN i.user IS NOT t.user THEN 'in gifticon_issued, in Redis it is ' || t.user
	WHEN i.code IS NOT t.code THEN 'another code in gifticon_issued than in Redis'
	ELSE 'other times in gifticon_issued than in Redis' END
FROM issued AS i JOIN ticket AS t ON t.ticket = i.ticket
WHERE t.won AND (t.state IN ('granted', 'parked', 'returned') OR t.left_state = 'parked'
	OR (i.user, i.joined_us, i.granted_us) IS NOT (t.user, t.joined_us, t.granted_us)
	OR t.code IS NOT NULL AND i.code IS NOT t.code OR t.code_us IS NOT NULL AND i.issued_us IS NOT t.code_us);

-- P5 every code issued or parked is in the ledger
SELECT t.user, t.ticket, t.state || ' in Redis, not in the ledger'
FROM source JOIN ticket AS t
WHERE source.name = 'ledger' AND t.state IN ('issued', 'parked', 'revoked')
	AND NOT EXISTS (SELECT * FROM ledger AS l WHERE l.ticket = t.ticket);

-- P5 the ledger has what fcfs wrote, and a ticket once
SELECT NULL, ticket, 'a row of the ledger that fcfs did not write' FROM ledger WHERE state IS NULL
UNION ALL
SELECT user, ticket, count(*) || ' rows of the ledger' FROM ledger GROUP BY ticket HAVING count(*) > 1;

-- P5 the ledger says what Redis says
SELECT l.user, l.ticket, CASE
	WHEN l.event <> name THEN 'of event ' || l.event || ' in the ledger'
	WHEN l.user <> t.user THEN 'in the ledger, in Redis it is ' || t.user
	WHEN l.code <> t.code THEN 'another code in the ledger than in Redis'
	WHEN t.state IN ('issued', 'parked') AND l.state = t.state THEN 'other times in the ledger than in Redis'
	ELSE l.state || ' in the ledger, ' || t.state || ' in Redis' END
FROM ledger AS l JOIN ticket AS t ON t.ticket = l.ticket, (SELECT value AS name FROM field WHERE field.name = 'event')
WHERE t.won AND t.state <> 'assigned'
	AND (l.event <> name OR l.user <> t.user OR l.code <> t.code OR t.state IN ('granted', 'returned')
		OR t.state IN ('issued', 'parked') AND (l.state <> t.state OR l.joined_us <> t.joined_us
			OR l.granted_us <> t.granted_us OR l.issued_us <> t.code_us));

-- P5 final: the ledger knows what was revoked
SELECT t.user, t.ticket, l.state || ' in the ledger, revoked in Redis'
FROM ledger AS l JOIN ticket AS t ON t.ticket = l.ticket
WHERE t.state = 'revoked' AND l.state <> 'returned';

-- P5 supplied codes are those that were loaded
SELECT t.user, t.ticket, 'a code that was never loaded'
FROM ticket AS t, event
WHERE event.codes = 'pool' AND t.code IS NOT NULL
	AND NOT EXISTS (SELECT * FROM pool AS p WHERE p.code = t.code AND p.place = 'loaded');

-- P5 a supplied code that a ticket has is not in the pool any more
SELECT t.user, t.ticket, 'its code is among those that no ticket has'
FROM pool AS p JOIN ticket AS t ON t.code = p.code
WHERE p.place = 'codes';

-- P6 the counters say what is there
SELECT NULL, NULL, name || ' is ' || ifnull(said, 'missing') || ', and there are ' || counted
FROM (
	SELECT 'joined' AS name, e.joined AS said, c.joined AS counted FROM event AS e, recount AS c
	UNION ALL SELECT 'left', e."left", c."left" FROM event AS e, recount AS c
	UNION ALL SELECT 'granted', e.granted, c.granted FROM event AS e, recount AS c
	UNION ALL SELECT 'returned', e.returned, c.returned FROM event AS e, recount AS c
	UNION ALL SELECT 'issued', e.issued, c.issued FROM event AS e, recount AS c
	UNION ALL SELECT 'parked', e.parked, c.parked FROM event AS e, recount AS c
	UNION ALL SELECT 'revoked', e.revoked, c.revoked FROM event AS e, recount AS c
	UNION ALL SELECT 'burnt', e.burnt, c.revoked FROM event AS e, recount AS c WHERE e.burnt < c.revoked
	UNION ALL SELECT 'codes_loaded', e.codes_loaded, size.value
		FROM event AS e, size WHERE size.name = 'loaded'
	UNION ALL SELECT 'codes_loaded', e.codes_loaded,
			size.value + e.burnt + c.issued_marks + c.pending_marks
		FROM event AS e, recount AS c, size WHERE size.name = 'codes' AND e.codes = 'pool')
WHERE said IS NOT counted;

-- P6 what is kept of a person is of somebody in line
SELECT NULL, NULL, size.value || ' entries in ' || size.name || ', of people in line ' || counted
FROM (
	SELECT 'people' AS name, joined AS counted FROM recount
	UNION ALL SELECT 'left', left_marks FROM recount
	UNION ALL SELECT 'issued', issued_marks FROM recount
	UNION ALL SELECT 'pending', pending_marks FROM recount
	UNION ALL SELECT 'grants', steps FROM recount
	UNION ALL SELECT 'codes', 0 FROM event WHERE codes <> 'pool'
	UNION ALL SELECT 'loaded', 0 FROM event WHERE codes <> 'pool') AS c JOIN size ON size.name = c.name
WHERE size.value <> counted;

-- P6 what is counted is there, and is a number
SELECT NULL, NULL, counter || ' is ' || ifnull(value, 'missing')
FROM (SELECT column1 AS counter FROM (VALUES ('already'), ('burnt'), ('codes_loaded'), ('codes_logged'), ('cursor'),
	('epoch'), ('granted'), ('issued'), ('joined'), ('left'), ('parked'), ('pass_us'), ('published_requests'),
	('published_seq'), ('published_winners'), ('refused_closed'), ('refused_early'), ('refused_left'),
	('refused_paused'), ('refused_soldout'), ('returned'), ('revoked'), ('seq'), ('settled')))
	LEFT JOIN field ON name = counter
WHERE value IS NULL OR value = '' OR value GLOB '*[^0-9]*' OR length(value) > 18;

-- P6 an event goes through the pipe or through Kafka
SELECT NULL, NULL, 'bus is ' || ifnull(bus, 'missing') || ', and slots are granted up to ticket ' || cursor
FROM event WHERE ifnull(bus, 'missing') NOT IN ('', 'pipe', 'kafka') OR bus = '' AND cursor > 0;

-- P6 one state at a time
SELECT user, ticket, 'in ' || concat || ' at once'
FROM (SELECT user, ticket, (left_us IS NOT NULL) + (issued_us IS NOT NULL) + (pending_state IS NOT NULL) AS n,
	iif(left_us IS NULL, '', 'left ') || iif(issued_us IS NULL, '', 'issued ')
	|| iif(pending_state IS NULL, '', 'pending') AS concat FROM line)
WHERE n > 1;

-- P6 a code has the time of its grant
SELECT user, ticket, 'granted ' || granted_us || ' with the code, ' || ifnull(step_us, 'never') || ' by a step'
FROM ticket WHERE code_us IS NOT NULL AND granted_us IS NOT step_us;

-- P7 the books of every run balance
SELECT NULL, NULL, 'run ' || run || ' of ' || tool || ': in ' || came || ', done ' || done || ', already '
	|| already || ', refused ' || refused || ', dead ' || dead
FROM run WHERE came IS NOT done + already + refused + dead
UNION ALL
SELECT NULL, NULL, 'a run record, of run ' || ifnull(run, 'none') || ', that fcfs did not write' FROM run
WHERE run IS NULL OR tool IS NULL OR came IS NULL
	OR ifnull(status, '') NOT IN ('running', 'completed', 'stopped', 'failed', 'abandoned')
UNION ALL
SELECT NULL, NULL, 'in the ledger, run ' || run || ' of ' || tool || ': ' || count(*) || ' times, ' || status FROM books
GROUP BY run HAVING count(*) > 1 OR status NOT IN ('running', 'completed', 'stopped', 'failed', 'abandoned')
UNION ALL
SELECT NULL, NULL, 'in the ledger, run ' || run || ' of ' || tool || ': in ' || came || ', done ' || done || ', already '
	|| already || ', refused ' || refused || ', dead ' || dead
FROM books WHERE came IS NOT done + already + refused + dead;

-- P7 Redis and the ledger have the same books of a run that has ended
SELECT NULL, NULL, 'run ' || r.run || ' of ' || r.tool || ': ' || r.status || ', in ' || r.came || ', done ' || r.done
	|| ', in the ledger of ' || b.tool || ': ' || b.status || ', in ' || b.came || ', done ' || b.done
FROM run AS r JOIN books AS b ON b.run = r.run
WHERE r.status IN ('completed', 'stopped', 'failed') AND b.status IN ('completed', 'stopped', 'failed')
	AND (b.tool <> r.tool OR b.status <> r.status OR b.came <> r.came OR b.done <> r.done OR b.already <> r.already
		OR b.refused <> r.refused OR b.dead <> r.dead);

-- P8 what is parked has its dead letter, and what was
SELECT t.user, t.ticket, 'no dead letter of ' || t.partition || ':' || t.offset || ' by run ' || t.run
FROM progress JOIN ticket AS t
WHERE t.state = 'parked' AND NOT EXISTS (SELECT * FROM letter AS d
	WHERE d.original_partition = t.partition AND d.original_offset = t.offset AND d.run = t.run
		AND d.class IN ('undeliverable', 'exhausted'))
	AND (SELECT gone FROM source WHERE name = 'gifticon_publish.dlq') = 0
UNION ALL
SELECT t.user, t.ticket, 'revoked while it was parked, and no dead letter of it'
FROM progress JOIN ticket AS t
WHERE t.left_state = 'parked' AND NOT EXISTS (SELECT *
	FROM winner AS w JOIN letter AS d ON d.original_partition = w.partition AND d.original_offset = w.offset
	WHERE w.ticket = t.ticket AND d.class IN ('undeliverable', 'exhausted'))
	AND (SELECT sum(gone) FROM source WHERE name IN ('gifticon_publish', 'gifticon_publish.dlq')) = 0;

-- P8 notice: what comes twice counts once
SELECT user, nullif(ticket, 0), count(*) || ' times in ' || place || ' by somebody else' FROM copied GROUP BY place, ticket, user;

-- P9 Redis and Kafka agree how far it is published
SELECT NULL, NULL, name || ': fcfs_progress ' || ifnull(published, 'makes no sense') || ', Redis ' || mirrored || ' of ' || there
FROM (
	SELECT 'requests' AS name, p.requests AS published, e.published_requests AS mirrored, c.joined AS there
	FROM progress AS p, event AS e, recount AS c
	UNION ALL SELECT 'winners', p.winners, e.published_winners, e.cursor FROM progress AS p, event AS e
	UNION ALL SELECT 'decisions', p.seq, e.published_seq, e.seq FROM progress AS p, event AS e)
WHERE published IS NULL OR published < mirrored OR published > there;

-- P10 every decision is in the log, as far as it is published, or in the outbox
SELECT NULL, NULL, 'entry ' || (d.seq + 1) || ' is missing, of ' || event.seq
FROM event, (SELECT seq FROM decision UNION ALL SELECT 0) AS d
WHERE d.seq < event.seq AND NOT EXISTS (SELECT * FROM entry WHERE entry.seq = d.seq + 1)
UNION ALL
SELECT NULL, NULL, 'entry ' || d.seq || ' is not in event_log, published up to ' || progress.seq
FROM progress JOIN decision AS d ON d.seq <= progress.seq
WHERE NOT EXISTS (SELECT * FROM entry WHERE entry.seq = d.seq AND entry.place = 'event_log');

-- P10 the log has nothing else, and each entry once
SELECT user, nullif(ticket, 0), count(*) || ' times entry ' || entry.seq || ' in ' || place || ', of ' || event.seq
FROM entry, event GROUP BY place, entry.seq HAVING count(*) > 1 OR (entry.seq BETWEEN 1 AND event.seq) IS NOT TRUE
UNION ALL
SELECT NULL, NULL, size.value || ' entries in the outbox, records of the log ' || count(place)
FROM size LEFT JOIN entry ON place = 'the outbox' WHERE size.name = 'outbox' GROUP BY 1 HAVING count(place) <> size.value
UNION ALL
SELECT user, nullif(ticket, 0), 'entry ' || seq || ' behind entry ' || earlier || ' in ' || place
FROM (SELECT *, lag(seq) OVER log AS earlier, lag(place) OVER log AS here, lag(partition) OVER log AS same FROM entry
	WINDOW log AS (ORDER BY rowid))
WHERE place = here AND partition IS same AND seq < earlier;

-- P10 whoever left is in the log, as they were
SELECT t.user, t.ticket, 'left as ' || t.left_state || ', in the log '
	|| ifnull((SELECT group_concat(what || ' as ' || before) FROM decision AS d
		WHERE d.ticket = t.ticket AND d.user = t.user), 'not at all')
FROM ticket AS t
WHERE t.left_us IS NOT NULL AND NOT EXISTS (SELECT * FROM decision AS d
	WHERE d.ticket = t.ticket AND d.user = t.user AND d.before = t.left_state
		AND d.what = iif(t.state = 'revoked', 'revoke', 'leave'));

-- P10 whoever left by the log has left
SELECT d.user, d.ticket, d.what || ' in the log, ' || ifnull(t.state, 'not') || ' in Redis'
FROM decision AS d LEFT JOIN ticket AS t ON t.ticket = d.ticket AND t.user = d.user
WHERE d.what IN ('leave', 'revoke') AND t.left_us IS NULL;

-- P10 a setting is what the log says
SELECT NULL, NULL, logged.name || ' is ' || ifnull(field.value, 'missing') || ', in the log ' || logged.value
FROM logged LEFT JOIN field ON field.name = logged.name
WHERE CAST(field.value AS TEXT) IS NOT CAST(logged.value AS TEXT);

-- compared: how many of each there are, NULL where they were not looked at
SELECT 'people', joined FROM recount
UNION ALL SELECT 'granted', granted FROM recount
UNION ALL SELECT 'returned', returned FROM recount
UNION ALL SELECT 'left', "left" FROM recount
UNION ALL SELECT 'codes', issued_marks + pending_marks + revoked FROM recount
UNION ALL SELECT 'unissued', unissued FROM recount
UNION ALL SELECT 'parked', parked FROM recount
UNION ALL SELECT 'decisions', count(DISTINCT seq) FROM entry
UNION ALL SELECT 'runs', count(*) FROM run
UNION ALL SELECT 'pool', iif(codes = 'pool', codes_loaded, NULL) FROM event
UNION ALL SELECT 'event_requests', iif(bus = 'kafka', (SELECT count(*) FROM request), NULL) FROM event
UNION ALL SELECT 'event_log', iif(bus = 'kafka', (SELECT count(*) FROM entry WHERE place = 'event_log'), NULL) FROM event
UNION ALL SELECT 'gifticon_publish', iif(bus = 'kafka', (SELECT count(*) FROM winner), NULL) FROM event
UNION ALL SELECT 'gifticon_issued', iif(bus = 'kafka', (SELECT count(*) FROM issued), NULL) FROM event
UNION ALL SELECT 'dead_letters', iif(bus = 'kafka', (SELECT count(*) FROM letter), NULL) FROM event
UNION ALL SELECT 'ledger_runs', iif(count(*), (SELECT count(*) FROM books), NULL) FROM source WHERE name = 'ledger'
UNION ALL SELECT 'ledger', iif(count(*), (SELECT count(*) FROM ledger), NULL) FROM source WHERE name = 'ledger';
