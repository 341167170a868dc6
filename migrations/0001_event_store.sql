-- The event store: what happened (events), what waits for its place (outbox), the one order of everything (ledger).

CREATE TABLE events (
    aggregate_type text        NOT NULL,
    aggregate_id   uuid        NOT NULL,
    sequence       bigint      NOT NULL CHECK (sequence > 0),
    event_type     text        NOT NULL,
    event_version  text        NOT NULL,
    event_id       uuid        NOT NULL,
    owner          uuid        NOT NULL,
    -- json and not jsonb: kept to the byte, since the ledger's hashes cover it.
    payload        json        NOT NULL,
    metadata       json        NOT NULL,
    private        bytea,
    recorded_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT events_sequence PRIMARY KEY (aggregate_type, aggregate_id, sequence)
);

-- Rows come and go all the time: vacuum by number, not by share.
CREATE TABLE outbox (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aggregate_type text   NOT NULL,
    aggregate_id   uuid   NOT NULL,
    sequence       bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_threshold = 1000000);

CREATE TABLE ledger (
    position       bigint      NOT NULL CHECK (position > 0),
    aggregate_type text        NOT NULL,
    aggregate_id   uuid        NOT NULL,
    sequence       bigint      NOT NULL,
    owner          uuid        NOT NULL,
    hash           bytea       NOT NULL CHECK (octet_length(hash) = 32),
    CONSTRAINT ledger_position PRIMARY KEY (position),
    CONSTRAINT ledger_event UNIQUE (aggregate_type, aggregate_id, sequence)
);

CREATE INDEX ledger_owner ON ledger (owner, position);

-- The key tree: wrapped keys only. A destroyed key keeps its row, so that it is known to be destroyed and not missing.
CREATE TABLE keys (
    kind         text        NOT NULL CHECK (kind IN ('user', 'conversation', 'document')),
    id           uuid        NOT NULL,
    owner        uuid        NOT NULL,
    -- The id of the master key for a user's key; empty where the owner's key wraps it.
    wrapped_by   text        NOT NULL,
    wrapped      bytea,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    destroyed_at timestamptz,
    CONSTRAINT keys_subject PRIMARY KEY (kind, id),
    CONSTRAINT keys_wrapped_or_destroyed CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);

CREATE INDEX keys_owner ON keys (owner);

-- What was answered to a command with an Idempotency-Key. Key and command are keyed hashes.
CREATE TABLE idempotency (
    owner        uuid        NOT NULL,
    key_hash     bytea       NOT NULL,
    command_hash bytea       NOT NULL,
    version      bigint      NOT NULL,
    events       text[]      NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT idempotency_key PRIMARY KEY (owner, key_hash)
);

CREATE INDEX idempotency_age ON idempotency (created_at);

-- How far each consumer has come: always changed in the transaction that changes what it made.
CREATE TABLE checkpoints (
    name     text   PRIMARY KEY,
    position bigint NOT NULL CHECK (position >= 0)
);

-- Events and ledger are append-only for everybody, the owner of the database included.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
