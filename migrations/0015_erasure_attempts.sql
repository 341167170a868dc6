-- Each erasure has a next attempt of its own, so that one that cannot go on holds up no other. The step that the
-- last attempt failed at is the name of a store, never a text.
ALTER TABLE erasures
    ADD COLUMN attempts        integer     NOT NULL DEFAULT 0,
    ADD COLUMN next_attempt_at timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN waits_for       text;

CREATE INDEX erasures_unfinished ON erasures (attempts, next_attempt_at) WHERE finished_at IS NULL;

-- Every process asks which keys were destroyed since it asked last, and drops them from its memory.
CREATE INDEX keys_destroyed ON keys (destroyed_at) WHERE destroyed_at IS NOT NULL;

-- The day on which an owner last opened a conversation or a document. Reading is no event, so this is no read model:
-- it is not derived from the ledger, and a rebuild leaves it as it is.
CREATE TABLE last_reads (
    owner   uuid NOT NULL,
    id      uuid NOT NULL,
    read_on date NOT NULL,
    PRIMARY KEY (owner, id)
);
