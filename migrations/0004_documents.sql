-- The documents people brought, as a list shows them.
CREATE TABLE documents (
    owner      uuid        NOT NULL,
    id         uuid        NOT NULL,
    version    bigint      NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    scope      text        NOT NULL CHECK (scope IN ('user', 'shared')),
    media_type text        NOT NULL,
    size       bigint      NOT NULL,
    sha256     text        NOT NULL,
    status     text        NOT NULL CHECK (status IN ('added', 'indexed', 'rejected', 'removed')),
    passages   integer     NOT NULL,
    reason     text,
    -- The title: the ciphertext of the event that told it last, with that event's place.
    sequence   bigint      NOT NULL,
    private    bytea,
    PRIMARY KEY (id)
);
CREATE INDEX ON documents (owner, created_at DESC, id DESC) WHERE status <> 'removed';
CREATE INDEX ON documents (updated_at) WHERE status = 'added';

INSERT INTO checkpoints (name, position) VALUES ('documents', 0);
SELECT protect_read_model('documents');
