-- The requested answers that workers have to write, and the lease of each. A row goes with the end of its answer.
-- Holds ids and numbers, never texts. Takes the place of answer_leases, whose rows name an answer without its
-- conversation; that table stays for processes of the previous release.
CREATE TABLE answer_queue (
    conversation_id uuid        NOT NULL,
    answer_id       uuid        NOT NULL,
    owner           uuid        NOT NULL,
    -- The place of the request in the conversation's history.
    sequence        bigint      NOT NULL,
    -- Answers are taken in the order of their turns. Those of one owner have different turns, so that owners take turns.
    turn            bigint      NOT NULL,
    queued          bigint      GENERATED ALWAYS AS IDENTITY,
    attempt         integer     NOT NULL DEFAULT 0,
    held_by         uuid,
    -- Until then a worker holds the answer, or it waits for its next attempt.
    available_at    timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (conversation_id, answer_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE INDEX answer_queue_turn ON answer_queue (turn, queued);
CREATE INDEX answer_queue_owner ON answer_queue (owner, turn);
