-- What is thrown away is looked for every hour.
CREATE INDEX ON conversations (deleted_at) WHERE deleted_at IS NOT NULL;
-- The keys of what ended for good are destroyed by its event, whenever a process comes to it.
CREATE INDEX events_conversations_erased ON events (aggregate_id) WHERE event_type = 'ConversationErased';
