"""One event, folded by one transaction: what everybody writes who folds event by event.

The peers that do so share it, and run where this project may not be installed: it needs nothing.
"""

from typing import Final

IS_NEW: Final = "INSERT INTO peers.known VALUES (%s) ON CONFLICT DO NOTHING"
"""One row if so, else none."""
COUNT: Final = """
    INSERT INTO peers.profile AS old VALUES (%s, 1, %s, %s)
    ON CONFLICT (customer) DO UPDATE SET
        events = old.events + 1,
        spend_minor = old.spend_minor + EXCLUDED.spend_minor,
        last_ms = greatest(old.last_ms, EXCLUDED.last_ms)
"""
APPEND: Final = "INSERT INTO peers.ledger VALUES (%s, %s, %s)"
