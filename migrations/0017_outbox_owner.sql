-- The owner of an event that waits for its position, so that a read finds out whether the reader's own events are
-- still on their way. NULL in rows of processes that do not know the column.
ALTER TABLE outbox ADD COLUMN owner uuid;
