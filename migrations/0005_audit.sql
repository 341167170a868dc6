-- What proves the ledger: the keys that sign checkpoints, and the checkpoints.

CREATE TABLE audit_keys (
    key_id     text        PRIMARY KEY,
    public_key bytea       NOT NULL CHECK (octet_length(public_key) = 32),
    -- The private key, sealed under the master key; absent where it is configured and not kept here.
    sealed     bytea,
    -- The master key's id.
    sealed_by  text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    retired_at timestamptz,
    CONSTRAINT audit_keys_sealed CHECK ((sealed IS NULL) = (sealed_by IS NULL))
);
CREATE UNIQUE INDEX audit_keys_in_use ON audit_keys ((true)) WHERE retired_at IS NULL;

CREATE TABLE audit_checkpoints (
    position  bigint      NOT NULL CHECK (position >= 0),
    root      bytea       NOT NULL CHECK (octet_length(root) = 32),
    signature bytea       NOT NULL,
    key_id    text        NOT NULL REFERENCES audit_keys,
    signed_at timestamptz NOT NULL,
    PRIMARY KEY (position, key_id)
);

CREATE TRIGGER audit_checkpoints_append_only BEFORE UPDATE OR DELETE ON audit_checkpoints
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_checkpoints_no_truncate BEFORE TRUNCATE ON audit_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
