"""Limits of a request, each in one place and each tested; one megabyte is 1 000 000 bytes."""

from dataclasses import dataclass

from services.settings import REQUESTS_BURST, REQUESTS_PER_S


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask of us, and one key in a second."""

    body_bytes: int = 5_000_000
    """A body as sent, and again after inflation."""
    body_timeout_s: float = 30.0
    """For the whole body; a phone on 2 Mbit/s sends five megabytes in twenty."""
    inflate_ratio: int = 200
    """gzip makes JSON 10 to 40 times smaller; only a bomb or one letter repeated is above 200."""
    inflate_free_bytes: int = 1_000_000
    """Below this no ratio is asked: small bodies may well be one repeated letter."""
    event_bytes: int = 1_000_000
    """One event; a larger one is rejected alone."""
    events: int = 1_000
    """Events a request."""
    requests_per_s: float = REQUESTS_PER_S
    """A key's steady rate."""
    requests_burst: float = REQUESTS_BURST
    """What a key may send at once after being quiet."""
    streams: int = 10
    """Streams of decisions that a key may hold open at once."""
