"""The archive: what happened, event by event, in columns, for timelines and analysis."""
