-- Details of documents for their list: pages, language and tags. Tags are ciphertext, bound to the sequence of their event.
SET LOCAL lock_timeout = '5s';
ALTER TABLE documents
    ADD COLUMN pages         integer,
    ADD COLUMN language      text,
    ADD COLUMN tags          bytea,
    ADD COLUMN tags_sequence bigint;

-- The view has the columns of its table, and is created again with the new ones.
DROP VIEW my_documents;
DROP POLICY own_rows ON documents;
SELECT protect_read_model('documents');
