-- The ledger refuses a position without its predecessor, and a link to another hash than the predecessor's:
-- from every writer, whatever it believes to be the head. A process of the previous release names no hash, and
-- only its positions are checked.

SET LOCAL lock_timeout = '10s';

ALTER TABLE ledger ADD COLUMN previous_hash bytea;
ALTER TABLE ledger ADD CONSTRAINT ledger_previous_hash_length CHECK (octet_length(previous_hash) = 32) NOT VALID;

CREATE FUNCTION check_ledger_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    first bigint;
    last  bigint;
    size  bigint;
    given bytea;
    whole boolean;
    link  bytea;
BEGIN
    SELECT min(position), max(position), count(*), (array_agg(previous_hash ORDER BY position))[1],
           bool_and(before IS NULL OR previous_hash IS NULL OR previous_hash = before)
      INTO first, last, size, given, whole
      FROM (SELECT position, previous_hash, lag(hash) OVER (ORDER BY position) AS before FROM added) AS entry;
    IF size = 0 THEN
        RETURN NULL;
    END IF;
    IF first = 1 THEN
        link := decode(repeat('00', 32), 'hex');
    ELSE
        SELECT hash INTO link FROM ledger WHERE position = first - 1;
    END IF;
    IF link IS NULL OR given <> link OR last - first + 1 <> size OR NOT whole THEN
        RAISE EXCEPTION 'position % does not follow the ledger', first
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_chain', TABLE = 'ledger';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER ledger_chain AFTER INSERT ON ledger
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION check_ledger_chain();
