-- The read models: made from the ledger alone, and made anew from it at any time. Whatever somebody wrote is ciphertext here.

-- A conversation as the list shows it.
CREATE TABLE conversations (
    owner         uuid        NOT NULL,
    id            uuid        NOT NULL,
    version       bigint      NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    message_count integer     NOT NULL,
    answering     integer     NOT NULL,
    pinned        boolean     NOT NULL,
    archived      boolean     NOT NULL,
    -- The message made last, and whether every other one followed the one before it.
    newest_message uuid,
    branched      boolean     NOT NULL,
    deleted_at    timestamptz,
    -- Keyed hashes of the tags, to filter by.
    tag_tokens    text[]      NOT NULL,
    -- Title, preview and tags, sealed together by the conversation's key.
    card          bytea,
    PRIMARY KEY (id)
);
CREATE INDEX ON conversations (owner, pinned DESC, updated_at DESC, id DESC) WHERE deleted_at IS NULL;

-- The tree of messages.
CREATE TABLE messages (
    owner             uuid        NOT NULL,
    conversation_id   uuid        NOT NULL,
    id                uuid        NOT NULL,
    -- The ledger's position of the event that made the message: its place among the others.
    ordinal           bigint      NOT NULL,
    parent_id         uuid,
    role              text        NOT NULL CHECK (role IN ('user', 'assistant')),
    status            text        NOT NULL CHECK (status IN ('asked', 'requested', 'completed', 'stopped', 'failed')),
    created_at        timestamptz NOT NULL,
    -- The event's ciphertext, copied with its coordinates.
    sequence          bigint      NOT NULL,
    event_type        text        NOT NULL,
    private           bytea,
    model             text,
    quoted            boolean     NOT NULL DEFAULT false,
    failure           text,
    prompt_tokens     integer     NOT NULL DEFAULT 0,
    completion_tokens integer     NOT NULL DEFAULT 0,
    rating            text        NOT NULL DEFAULT 'none',
    PRIMARY KEY (conversation_id, id)
);
CREATE INDEX ON messages (conversation_id, ordinal);
CREATE INDEX ON messages (ordinal) WHERE status = 'requested';

-- The blind index: one row for each message, and one for each conversation's title and tags.
CREATE TABLE search_entries (
    owner           uuid        NOT NULL,
    conversation_id uuid        NOT NULL,
    -- The message; the conversation's own id for its title and tags.
    entry_id        uuid        NOT NULL,
    created_at      timestamptz NOT NULL,
    tokens          tsvector    NOT NULL,
    PRIMARY KEY (conversation_id, entry_id)
);
CREATE INDEX ON search_entries (owner);

-- Tokens and answers by day and model.
CREATE TABLE usage_days (
    owner             uuid   NOT NULL,
    day               date   NOT NULL,
    model             text   NOT NULL,
    answers           bigint NOT NULL,
    prompt_tokens     bigint NOT NULL,
    completion_tokens bigint NOT NULL,
    PRIMARY KEY (owner, day, model)
);

-- Accounts as this service knows them.
CREATE TABLE accounts (
    owner     uuid        NOT NULL PRIMARY KEY,
    opened_at timestamptz NOT NULL,
    version   bigint      NOT NULL,
    phase     text        NOT NULL
);

INSERT INTO checkpoints (name, position)
VALUES ('conversations', 0), ('messages', 0), ('search_entries', 0), ('usage_days', 0), ('accounts', 0);

-- Readers come through views whose owner is bound by row-level security, so that a query that forgets its owner sees
-- nothing: whoever connects, even a superuser, and through a transaction pooler, too.
DO $$
BEGIN
    CREATE ROLE colloquy_reader NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;

DO $$
BEGIN
    EXECUTE format('GRANT colloquy_reader TO %I', current_user);
EXCEPTION WHEN OTHERS THEN
    -- A member already, or a superuser; what is missing shows itself below.
    NULL;
END
$$;

-- Puts a table behind row-level security and its view before it. Called again for a rebuilt table in place of the old one.
CREATE FUNCTION protect_read_model(model text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    view_name text := 'my_' || model;
BEGIN
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', model);
    EXECUTE format('CREATE POLICY own_rows ON %I FOR SELECT TO colloquy_reader
                    USING (owner = nullif(current_setting(''colloquy.owner'', true), '''')::uuid)', model);
    EXECUTE format('GRANT SELECT ON %I TO colloquy_reader', model);
    EXECUTE format('CREATE OR REPLACE VIEW %I AS SELECT * FROM %I', view_name, model);
    EXECUTE format('GRANT CREATE ON SCHEMA %I TO colloquy_reader', current_schema());
    EXECUTE format('ALTER VIEW %I OWNER TO colloquy_reader', view_name);
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM colloquy_reader', current_schema());
    EXECUTE format('GRANT SELECT ON %I TO %I', view_name, current_user);
END
$$;

SELECT protect_read_model(model)
  FROM unnest(ARRAY['conversations', 'messages', 'search_entries', 'usage_days', 'accounts', 'keys']) AS model;
