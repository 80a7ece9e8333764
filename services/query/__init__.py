"""The query service: what the store and the archive know, read by those who may."""
