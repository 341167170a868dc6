-- The events in the form that the stock repository of the crate postgres-es 0.5 reads:
--   PostgresEventRepository::new(pool).with_tables("postgres_es_events", "postgres_es_snapshots")
-- in event-store mode, which reads no snapshots. Aggregates fold without their private parts, so the view
-- leaves the ciphertext of events out. Events of earlier versions need the upcasters of the crate aggregates.
--
-- The view is for reading. The stock repository cannot append through it: it would store private parts as plain
-- text, and neither the outbox nor the ledger would contain the event.
--
-- The stock repository compares ids as text, so it scans all events to load one aggregate. Regular use needs an
-- index. The schema does not contain it, because every append would pay for it:
--   CREATE INDEX CONCURRENTLY ON events (aggregate_type, (aggregate_id::text), sequence);
CREATE VIEW postgres_es_events AS
SELECT aggregate_type,
       aggregate_id::text AS aggregate_id,
       sequence,
       event_type,
       event_version,
       payload,
       (metadata::jsonb || jsonb_build_object(
           'event_id', event_id,
           'owner', owner,
           'recorded_at', to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
       ))::json AS metadata
  FROM events;

-- The view shows the events of all users. Only the owner of the schema reads it. A GRANT on the view gives
-- another role the events without their ciphertext.
REVOKE ALL ON postgres_es_events FROM PUBLIC, colloquy_reader;
