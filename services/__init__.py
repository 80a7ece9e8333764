"""Touchline's services: data runs from ingest to query and never back."""

import gc
from typing import Final

THRESHOLD: Final = 50_000
"""Objects after which Python looks for cycles. With its own 700 it does so hundreds of times while
modules are loaded, a tenth of each start, and again and again in a batch, which makes some hundred
thousand objects that all live until its end: a third of the time (``bench/fold.py``)."""

gc.set_threshold(THRESHOLD)
