-- Made when all is read.
CREATE INDEX request_ticket ON request (ticket);
CREATE INDEX winner_ticket ON winner (ticket);
CREATE INDEX issued_ticket ON issued (ticket);
CREATE INDEX entry_seq ON entry (seq);
CREATE INDEX letter_original ON letter (original_partition, original_offset);
CREATE INDEX ledger_ticket ON ledger (ticket);
CREATE INDEX books_run ON books (run);

-- Settings, as the log has them: as created, then as set.
CREATE TABLE given AS SELECT after AS text, at_us FROM entry WHERE what = 'create' ORDER BY seq LIMIT 1;
CREATE VIEW logged AS
SELECT name, value FROM (SELECT name, value, max(seq) FROM (
	SELECT 'as_given' AS name, text AS value, 0 AS seq FROM given
	UNION ALL SELECT 'created_us', at_us, 0 FROM given
	UNION ALL SELECT 'state', 'open', 0 FROM given
	UNION ALL SELECT 'opens_us', 0, 0 FROM given
	UNION ALL SELECT 'closes_us', 0, 0 FROM given
	UNION ALL SELECT 'stock', CAST(substr(text, length('stock=') + 1) AS INTEGER), 0 FROM given
	UNION ALL SELECT 'standby',
		CAST(substr(text, instr(text, ' standby=') + length(' standby=')) AS INTEGER), 0 FROM given
	UNION ALL SELECT 'codes', substr(text, instr(text, ' codes=') + length(' codes='),
		instr(text, ' name=') - instr(text, ' codes=') - length(' codes=')), 0 FROM given
	UNION ALL SELECT 'name', substr(text, instr(text, ' name=') + length(' name=')), 0 FROM given
	UNION ALL SELECT 'codes_logged', 0, 0 FROM given
	UNION ALL SELECT 'codes_logged', CAST(substr(after, length('codes_loaded=') + 1) AS INTEGER), seq
		FROM entry WHERE what = 'load'
	UNION ALL SELECT substr(after, 1, instr(after, '=') - 1), substr(after, instr(after, '=') + 1), seq
		FROM entry WHERE what = 'set')
	GROUP BY name);
