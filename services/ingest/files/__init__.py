"""Files of events: NDJSON and CSV of any size, read as a stream and loaded so that a kill does no harm."""
