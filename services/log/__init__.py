"""Where events rest: an append-only, partitioned log."""
