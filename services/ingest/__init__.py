"""Ingest, the door: from what a producer sends to records of the log, or what it must mend."""
