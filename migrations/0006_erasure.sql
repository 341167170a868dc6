-- Who asked to be erased, and how far that is. Holds no words: a receipt and the id of somebody who is not known here any more.
CREATE TABLE erasures (
    receipt      uuid        PRIMARY KEY,
    owner        uuid        NOT NULL UNIQUE,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at  timestamptz
);
CREATE INDEX ON erasures (requested_at) WHERE finished_at IS NULL;

-- The table above is made good from the events, should a process die between the two.
CREATE INDEX events_erasures_requested ON events (aggregate_id) WHERE event_type = 'AccountErasureRequested';
