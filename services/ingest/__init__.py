"""Ingest, the door: from the bytes a producer sends to records of the log, or to what it must mend."""
