-- Parts of documents that were left out. They are ciphertext, bound to the sequence of their event.
SET LOCAL lock_timeout = '5s';
ALTER TABLE documents
    ADD COLUMN omissions          bytea,
    ADD COLUMN omissions_sequence bigint;

-- The view has the columns of its table, and is created again with the new ones.
DROP VIEW my_documents;
DROP POLICY own_rows ON documents;
SELECT protect_read_model('documents');
