-- The log: partitions of record batches, appended under the partition's lock, never changed.

CREATE SCHEMA IF NOT EXISTS touchline;
GRANT USAGE ON SCHEMA touchline TO touchline_fold;

-- Where each partition ends. Its row lock gives out offsets and is held until the commit, so that offsets
-- become visible in order and without a gap (a sequence promises neither).
CREATE TABLE touchline.log_head (
    partition   integer PRIMARY KEY CHECK (partition >= 0),
    next_offset bigint NOT NULL DEFAULT 0,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 20);  -- updated by every append: room for it on the same page (HOT)

-- One row an append and partition: count records from first_offset on, payload a msgpack array of byte strings, or that
-- as a zstd frame (services/log/record_batch.py).
CREATE TABLE touchline.log_batch (
    partition    integer NOT NULL,
    first_offset bigint NOT NULL,
    count        integer NOT NULL CHECK (count > 0),
    recorded_at  timestamptz NOT NULL,
    payload      bytea NOT NULL,
    PRIMARY KEY (partition, first_offset)
);

-- Batches come compressed (zstd, by the client: a third of the write-ahead log, and of the work here).
ALTER TABLE touchline.log_batch ALTER COLUMN payload SET STORAGE EXTERNAL;

CREATE FUNCTION touchline.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE 'the log is never changed: append another event (event.voided takes one back)';
END
$$;
CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON touchline.log_batch
EXECUTE FUNCTION touchline.refuse_change();

-- Fixes the number of partitions, once and for ever, since an event's partition is a hash modulo it.
-- Gives the number in force.
CREATE FUNCTION touchline.make_log(partitions integer) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    IF partitions < 2 THEN
        RAISE 'a log needs at least 2 partitions (control and events), not %', partitions;
    END IF;
    LOCK TABLE touchline.log_head IN SHARE ROW EXCLUSIVE MODE;
    IF NOT EXISTS (SELECT FROM touchline.log_head) THEN
        INSERT INTO touchline.log_head (partition) SELECT generate_series(0, partitions - 1);
    END IF;
    RETURN (SELECT count(*) FROM touchline.log_head);
END
$$;

SELECT touchline.make_log(coalesce(nullif(current_setting('touchline.partitions', true), ''), '16')::integer);

-- Appends record batches, all or none, and gives the first offset of each. Partitions ascend: their locks are
-- taken in that order, so that two appenders never wait for each other.
CREATE FUNCTION touchline.append(partitions integer[], counts integer[], payloads bytea[])
RETURNS TABLE (into_partition integer, first_offset bigint) LANGUAGE plpgsql AS $$
DECLARE
    appended_at timestamptz;
BEGIN
    FOR place IN 1 .. cardinality(partitions) LOOP
        IF partitions[place] < partitions[place - 1] THEN
            RAISE 'partitions must ascend, not be %', partitions;
        END IF;
        -- Never before the last record's, even if the clock was set back.
        UPDATE touchline.log_head AS head
        SET next_offset = head.next_offset + counts[place],
            recorded_at = greatest(head.recorded_at, clock_timestamp())
        WHERE head.partition = partitions[place]
        RETURNING head.partition, head.next_offset - counts[place], head.recorded_at
        INTO STRICT into_partition, first_offset, appended_at;

        INSERT INTO touchline.log_batch VALUES
            (into_partition, append.first_offset, counts[place], appended_at, payloads[place]);
        RETURN NEXT;
    END LOOP;
    NOTIFY touchline_log;
END
$$;

GRANT SELECT, UPDATE ON touchline.log_head TO touchline_fold;
GRANT SELECT, INSERT ON touchline.log_batch TO touchline_fold;
REVOKE ALL ON FUNCTION touchline.make_log, touchline.append FROM public;
GRANT EXECUTE ON FUNCTION touchline.append TO touchline_fold;
