-- One row an event, as the log has it. Inserts bring the log's own JSON: what it lacks is derived here.
--
-- No partitions: events of all times arrive at all times, a timeline spans all times, nothing is ever dropped by
-- its age, and a partition a year would make every insert of old data dozens of parts (and fail beyond a hundred).
CREATE TABLE IF NOT EXISTS event
(
    workspace   LowCardinality(String),
    leaf        UUID DEFAULT identifiers[1] COMMENT 'the strongest identifier; zeros for control events',
    occurred_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    source      LowCardinality(String),
    id          String CODEC(ZSTD(1)),
    received_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    type        LowCardinality(String),
    family      LowCardinality(String) DEFAULT splitByChar('.', type)[1],
    version     UInt64 CODEC(ZSTD(1)),
    key_kind    LowCardinality(String),
    identifiers Array(UUID) CODEC(ZSTD(1)) COMMENT 'keyed hashes, strongest first',
    data        String CODEC(ZSTD(1)) COMMENT 'typed JSON',
    sealed      Tuple(String, String) EPHEMERAL,
    key_id      String DEFAULT sealed.1 CODEC(ZSTD(1)),
    ciphertext  String DEFAULT base64Decode(sealed.2) COMMENT 'what names a person, sealed under key_id',
    cause       String CODEC(ZSTD(1)),
    partition   UInt16 CODEC(ZSTD(1)) COMMENT 'of the log',
    offset      UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'of the log'
)
ENGINE = MergeTree
ORDER BY (workspace, leaf, occurred_at, source, id)
SETTINGS
    -- Without it the tokens of inserts do nothing, and a retry doubles. One insert is under way at a time.
    non_replicated_deduplication_window = 1000,
    -- Two inserts a second can afford it, and a power cut then loses nothing.
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    -- A timeline reads a few rows of each of its leaves: small granules, small reads.
    index_granularity = 1024
