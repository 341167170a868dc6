-- The api processes that accept commands. Each renews its row; a process that sees no other one knows all
-- accepted commands itself.
CREATE TABLE api_processes (
    id       uuid PRIMARY KEY,
    renewals bigint NOT NULL DEFAULT 0
);
