"""Files of events: NDJSON and CSV of any size, read as a stream; a kill does no harm."""
