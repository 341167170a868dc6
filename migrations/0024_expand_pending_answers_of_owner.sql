-- The pending answers of one owner, for the limit on them. The index is small: it holds pending answers alone.
SET LOCAL lock_timeout = '5s';
CREATE INDEX messages_pending_owner ON messages (owner) WHERE status = 'requested';
