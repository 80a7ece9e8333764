"""The same work done by others: how fast Touchline is beside them, on one machine."""
