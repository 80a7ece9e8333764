-- One row an event, as the log has it. Inserts bring the log's own JSON: what it lacks is derived here.
--
-- No partitions: events of all times arrive at all times, a timeline spans all times, nothing is ever dropped by
-- its age, and a partition a year would make every insert of old data dozens of parts (and fail beyond a hundred).
CREATE TABLE IF NOT EXISTS $table
(
    workspace   LowCardinality(String),
    leaf        UUID DEFAULT identifiers[1] COMMENT 'the strongest identifier; zeros for control events',
    occurred_at DateTime64(6, 'UTC') CODEC(Delta, LZ4),
    source      LowCardinality(String),
    id          String,
    received_at DateTime64(6, 'UTC') CODEC(Delta, LZ4),
    type        LowCardinality(String),
    family      LowCardinality(String) DEFAULT splitByChar('.', type)[1],
    version     UInt64,
    key_kind    LowCardinality(String),
    identifiers Array(UUID) COMMENT 'keyed hashes, strongest first',
    data        String COMMENT 'typed JSON',
    sealed      Tuple(String, String) EPHEMERAL,
    key_id      String DEFAULT sealed.1,
    ciphertext  String DEFAULT base64Decode(sealed.2) COMMENT 'what names a person, sealed under key_id',
    cause       String,
    partition   UInt16 COMMENT 'of the log',
    offset      UInt64 CODEC(Delta, LZ4) COMMENT 'of the log'
)
ENGINE = $engine
ORDER BY (workspace, leaf, occurred_at, source, id)
SETTINGS
    -- Without it the tokens of inserts do nothing, and a retry doubles. One insert is under way at a time.
    non_replicated_deduplication_window = 1000,
    replicated_deduplication_window = 1000,
    -- A month: as it comes it is an hour, and a feed that was away for longer would double its last insert.
    replicated_deduplication_window_seconds = 2592000,
    -- Two inserts a second can afford it, and a power cut then loses nothing.
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    -- A timeline reads a few rows of each of its leaves: small granules in small blocks, quickly unpacked. Of 600 000
    -- events, 50 touches of 50 leaves took 10 ms; with granules of 1024 rows, blocks as they come and ZSTD 28 ms.
    index_granularity = 256,
    min_compress_block_size = 8192,
    max_compress_block_size = 16384
