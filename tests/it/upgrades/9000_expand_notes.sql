-- An expansion of a release after this one.
SET LOCAL lock_timeout = '10s';

ALTER TABLE events ADD COLUMN note text;
ALTER TABLE answer_queue ADD COLUMN note text NOT NULL DEFAULT 'none';
ALTER TABLE messages ADD COLUMN note text;
CREATE OR REPLACE VIEW my_messages AS SELECT * FROM messages;
CREATE TABLE notes (event_id uuid PRIMARY KEY, note text NOT NULL);
