-- What the batch handler itself keeps: how far it came, what it knows, what it left out.

CREATE TABLE checkpoint (
    partition     smallint PRIMARY KEY,
    next_offset   bigint NOT NULL DEFAULT 0,
    applied       bigint NOT NULL DEFAULT 0,
    duplicate     bigint NOT NULL DEFAULT 0,
    dead_lettered bigint NOT NULL DEFAULT 0,
    CONSTRAINT every_record_counted_once CHECK (next_offset = applied + duplicate + dead_lettered)
) WITH (fillfactor = 50);

CREATE TABLE workspace_count (
    workspace     text NOT NULL,
    partition     smallint NOT NULL,
    applied       bigint NOT NULL DEFAULT 0,
    duplicate     bigint NOT NULL DEFAULT 0,
    dead_lettered bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (workspace, partition)
) WITH (fillfactor = 50);

-- Every (workspace, source, id) ever recorded; "offset" is the record that stands.
CREATE TABLE seen (
    id_hash   uuid PRIMARY KEY,
    digest    uuid NOT NULL,
    partition smallint NOT NULL,
    "offset"  bigint NOT NULL
);

-- Records that changed nothing, so that archive and scoring leave them out too.
CREATE TABLE skipped (
    partition smallint NOT NULL,
    "offset"  bigint NOT NULL,
    reason    text NOT NULL,
    PRIMARY KEY (partition, "offset")
);

-- Which body lost under one id with two bodies: a replay obeys it, in whatever order it reads.
CREATE TABLE conflicted (
    id_hash uuid NOT NULL,
    digest  uuid NOT NULL,
    PRIMARY KEY (id_hash, digest)
);

-- Records an operator took out because no fold could take them in.
CREATE TABLE quarantined (
    partition smallint NOT NULL,
    "offset"  bigint NOT NULL,
    PRIMARY KEY (partition, "offset")
);
