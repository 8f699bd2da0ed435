-- What an event is read into, from each of the places that know it. Times are in us. Codes are digests.

-- Redis
CREATE TABLE field (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE size (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
CREATE TABLE line (
	ticket INTEGER PRIMARY KEY, user TEXT, joined_us INTEGER,
	step_us INTEGER, -- of the grant step that has passed this ticket
	left_us INTEGER, left_state TEXT, left_who TEXT, left_code BLOB,
	issued_granted_us INTEGER, issued_us INTEGER, issued_code BLOB,
	pending_state TEXT, run TEXT, partition INTEGER, offset INTEGER,
	pending_granted_us INTEGER, pending_us INTEGER, pending_code BLOB);
CREATE TABLE pool (code BLOB, place TEXT); -- `loaded`, or `codes`: no ticket has it yet
CREATE TABLE run (run TEXT, tool TEXT, status TEXT, came INTEGER, done INTEGER, already INTEGER,
	refused INTEGER, dead INTEGER);

-- Kafka; the outbox is what of event_log is still in Redis, or stays there. ours: it has our header, `v`
CREATE TABLE request (partition INTEGER, offset INTEGER, ticket INTEGER, user TEXT, ours INTEGER, joined_us INTEGER);
CREATE TABLE winner (partition INTEGER, offset INTEGER, ticket INTEGER, user TEXT, ours INTEGER, joined_us INTEGER,
	granted_us INTEGER, replays INTEGER);
CREATE TABLE issued (partition INTEGER, offset INTEGER, ticket INTEGER, user TEXT, ours INTEGER, joined_us INTEGER,
	granted_us INTEGER, issued_us INTEGER, code BLOB);
CREATE TABLE entry (place TEXT, partition INTEGER, offset INTEGER, ours INTEGER, seq INTEGER, at_us INTEGER, what TEXT, user TEXT,
	ticket INTEGER, before TEXT, after TEXT, who TEXT);
CREATE TABLE letter (partition INTEGER, offset INTEGER, class TEXT, run TEXT,
	original_partition INTEGER, original_offset INTEGER);
CREATE TABLE progress (requests INTEGER, winners INTEGER, seq INTEGER, rebuilt_us INTEGER); -- no row: of no topics;
	-- NULL: no sense
CREATE TABLE reader (partition INTEGER PRIMARY KEY, committed INTEGER); -- the issuers'

-- the ledger
CREATE TABLE ledger (ticket INTEGER, event TEXT, user TEXT, joined_us INTEGER,
	granted_us INTEGER, issued_us INTEGER, state TEXT, code BLOB); -- all but the ticket NULL: somebody else's row
CREATE TABLE books (run TEXT, tool TEXT, status TEXT, came INTEGER, done INTEGER, already INTEGER,
	refused INTEGER, dead INTEGER); -- of runs

-- what was read, and how many of its oldest records are gone for their age
CREATE TABLE source (name TEXT PRIMARY KEY, gone INTEGER) WITHOUT ROWID;
