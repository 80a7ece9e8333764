"""The schedule: when a delivery is tried again, and when it is given up (pure)."""

from datetime import datetime, timedelta
from typing import Final

FIRST_S: Final = 5.0
FACTOR: Final = 3.0
LONGEST_S: Final = 6 * 3600.0
"""Between two attempts: of three days' about twenty."""
JITTER: Final = 0.2
"""Of a delay, to either side: what failed at one instant is not tried again at one."""
PATIENCE: Final = timedelta(days=3)
"""From when it was queued to the last attempt."""
SLACK: Final = timedelta(hours=1)
"""How late the last attempt may be: nobody wants to hear of what is older still."""
PAUSE_S: Final = 20.0
"""Of a target whose deliveries fail, at most: however many wait for it, a dead one is asked three
times a minute."""


def due_at(
    attempts: int, queued_at: datetime, at: datetime, *, chance: float, asked_s: float = 0.0
) -> datetime | None:
    """When to try again after so many failed ``attempts``, the last ``at``; None is given up.

    ``chance`` is uniform in [0, 1); ``asked_s`` is how long the receiver asked us to wait.
    """
    last = queued_at + PATIENCE
    if at >= last:
        return None
    delay_s = _grown(attempts, FIRST_S, LONGEST_S, chance)
    return min(at + timedelta(seconds=max(delay_s, min(asked_s, LONGEST_S))), last)


def is_over(queued_at: datetime, at: datetime) -> bool:
    """Whether it is too late even for the last attempt, as after days without a sender."""
    return at > queued_at + PATIENCE + SLACK


def pause_s(failures: int, *, chance: float) -> float:
    """How long a target is left alone after so many failures in a row."""
    return _grown(failures, 1.0, PAUSE_S, chance)


def _grown(times: int, first_s: float, longest_s: float, chance: float) -> float:
    # Beyond so many the power is a number too large for a float.
    grown = min(first_s * FACTOR ** min(max(times - 1, 0), 50), longest_s)
    return grown * (1 - JITTER + 2 * JITTER * chance)
