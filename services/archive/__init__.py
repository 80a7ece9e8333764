"""The archive: what happened, event by event, in columns; a customer's timeline is its first query."""
