-- Aggregates that have no rows in a read model, because one of their events cannot be applied to it. Holds ids, names
-- and errors, never texts.
CREATE TABLE quarantine (
    -- The table of the read model, or that of its rebuild.
    read_model     text        NOT NULL,
    aggregate_type text        NOT NULL,
    aggregate_id   uuid        NOT NULL,
    owner          uuid        NOT NULL,
    -- The first event that was not applied. Those after it wait.
    position       bigint      NOT NULL,
    sequence       bigint      NOT NULL,
    event_type     text        NOT NULL,
    cause          text        NOT NULL,
    detail         text        NOT NULL,
    attempts       integer     NOT NULL DEFAULT 1,
    quarantined_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (read_model, aggregate_type, aggregate_id)
);
CREATE INDEX quarantine_aggregate ON quarantine (aggregate_id);

-- Grows with each change of a read model's quarantine, in its transaction. Whoever locks the checkpoint sees at once
-- whether the quarantine that it remembers is still the same.
ALTER TABLE checkpoints ADD COLUMN quarantine_version bigint NOT NULL DEFAULT 0;

-- Events that operators decided to leave out of a read model. A rebuild leaves them out as well.
CREATE TABLE skipped_events (
    read_model     text        NOT NULL,
    aggregate_type text        NOT NULL,
    aggregate_id   uuid        NOT NULL,
    sequence       bigint      NOT NULL,
    skipped_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (read_model, aggregate_type, aggregate_id, sequence)
);

-- Operations that were carried out and are not recorded as events yet. Written in the transaction of the operation,
-- removed once the event is appended under the same id.
CREATE TABLE unrecorded_operations (
    id    uuid   PRIMARY KEY,
    place bigint GENERATED ALWAYS AS IDENTITY,
    event json   NOT NULL
);

-- Work that workers gave up. Holds ids, names and errors, never texts.
CREATE TABLE dead_letters (
    id               uuid        PRIMARY KEY,
    kind             text        NOT NULL,
    owner            uuid        NOT NULL,
    aggregate_id     uuid        NOT NULL,
    -- The answer, the document or the event.
    subject_id       uuid        NOT NULL,
    -- The place of the event that asked for the work in its aggregate's history.
    sequence         bigint      NOT NULL,
    cause            text        NOT NULL,
    detail           text        NOT NULL,
    attempts         integer     NOT NULL,
    occurrences      integer     NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- 'kept' until an operator decides; 'wanted' until a worker begins the work again, which removes the letter;
    -- 'discarded' keeps it from being found again.
    state            text        NOT NULL DEFAULT 'kept',
    CONSTRAINT dead_letters_work UNIQUE (kind, aggregate_id, subject_id)
);
CREATE INDEX dead_letters_age ON dead_letters (last_at);
CREATE INDEX dead_letters_owner ON dead_letters (owner);

-- A time that no clock shows would end every process that reads it. No statement names the column, so that the
-- default is its only value.
SET LOCAL lock_timeout = '10s';
ALTER TABLE events ADD CONSTRAINT events_recorded_at_finite
    CHECK (recorded_at > '-infinity' AND recorded_at < '10000-01-01') NOT VALID;
