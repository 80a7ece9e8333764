"""Touchline's services: data runs from ingest to query and never back."""
