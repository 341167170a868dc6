-- Who is writing which answer, and the how-manieth attempt it is. Holds no texts; a row goes with the end of its answer.
CREATE TABLE answer_leases (
    answer_id  uuid        PRIMARY KEY,
    attempt    integer     NOT NULL CHECK (attempt > 0),
    held_by    uuid        NOT NULL,
    held_until timestamptz NOT NULL
);
