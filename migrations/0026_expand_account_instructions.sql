-- no-transaction
-- The newest instructions of an account, which each answer reads, however often its owner signed in.
CREATE INDEX CONCURRENTLY IF NOT EXISTS events_account_instructed ON events (aggregate_id, sequence)
 WHERE aggregate_type = 'account' AND event_type = 'AccountInstructed';
