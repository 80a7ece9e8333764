-- The log-structured index of known ids. What is young is a row an id; from there ids go, many at a time, into runs: pages
-- of ids in the order of their hashes. Runs of like size are merged into a larger one, range by range.

-- Another name, so that a program that does not know of runs fails and takes no old id for new.
ALTER TABLE seen RENAME TO seen_young;

-- One row; "version" rises with every transaction that changes runs, "era" tells these tables from those of a rebuild.
CREATE TABLE seen_head (
    is_one  boolean PRIMARY KEY DEFAULT true CHECK (is_one),
    era     uuid NOT NULL DEFAULT gen_random_uuid(),
    version bigint NOT NULL DEFAULT 0,
    runs    bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
INSERT INTO seen_head DEFAULT VALUES;

-- A run of "ids" has 2^"bits" pages. One that is being merged names the run that it goes "into", which has all ids
-- below the prefix "filled" already, and is whole at 2^31.
CREATE TABLE seen_run (
    run    bigint PRIMARY KEY,
    level  smallint NOT NULL,
    bits   smallint NOT NULL,
    width  integer NOT NULL,
    ids    bigint NOT NULL,
    "into" bigint,
    filled bigint NOT NULL
) WITH (fillfactor = 50);

-- "start" is the lowest 31-bit prefix of the hashes that may lie in the page; a page without ids is not there. "ids" has
-- 42 bytes an id: hash, digest, partition (2), offset (8); "filter" is a Bloom filter of "width" bytes.
CREATE TABLE seen_page (
    run     bigint NOT NULL,
    start   integer NOT NULL,
    version bigint NOT NULL,
    filter  bytea NOT NULL,
    ids     bytea NOT NULL,
    PRIMARY KEY (run, start)
);
CREATE INDEX seen_page_version ON seen_page (version);
-- Hashes don't compress.
ALTER TABLE seen_page ALTER ids SET STORAGE EXTERNAL, ALTER filter SET STORAGE PLAIN;
