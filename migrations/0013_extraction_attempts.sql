-- Attempts at reading a document's file, counted before the file is read: a file that ends the process that
-- reads it is rejected. A row goes when the file was read to its end.
CREATE TABLE extraction_attempts (
    document_id     uuid        PRIMARY KEY,
    content_version bigint      NOT NULL,
    -- Attempts whose end nobody recorded: the service itself ended meanwhile.
    unfinished      integer     NOT NULL,
    -- Attempts that ended abnormally, and the reason of the last one in words for the owner.
    failed          integer     NOT NULL DEFAULT 0,
    reason          text,
    began_at        timestamptz NOT NULL
);
