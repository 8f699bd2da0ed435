-- Made when all is read.
CREATE INDEX request_ticket ON request (ticket);
CREATE INDEX winner_ticket ON winner (ticket);
CREATE INDEX issued_ticket ON issued (ticket);
CREATE INDEX entry_seq ON entry (seq);
CREATE INDEX letter_original ON letter (original_partition, original_offset);
