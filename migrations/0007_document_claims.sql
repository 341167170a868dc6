-- Who is indexing which document: a claim runs out by itself, so that what a dead process left is taken up by another.
CREATE TABLE document_claims (
    document_id uuid        PRIMARY KEY,
    holder      uuid        NOT NULL,
    until       timestamptz NOT NULL
);
