"""Patience: work that goes on turn by turn, whatever goes wrong in one of them."""

import threading
from collections.abc import Callable
from typing import Final

import structlog

from services.errors import TouchlineError

BACK_OFF_S: Final = 0.2
LONGEST_BACK_OFF_S: Final = 15.0

log = structlog.get_logger()


def keep_on(
    stop: threading.Event, turn: Callable[[], float], *, waiting: str, **said: object
) -> None:
    """Take turns until ``stop`` is set; each gives how long to wait until the next.

    One that raises is told as the event ``waiting`` and tried again, ever later: a bug too, since
    what works beside it in this process is to go on.
    """
    back_off_s = BACK_OFF_S
    while not stop.is_set():
        try:
            stop.wait(turn())
        except Exception as cause:  # noqa: BLE001 - told, and no reason to end the others
            is_known = isinstance(cause, TouchlineError)
            tell: Callable[..., None] = log.warning if is_known else log.exception
            tell(waiting, cause=str(cause), back_off_s=back_off_s, **said)
            stop.wait(back_off_s)
            back_off_s = min(2 * back_off_s, LONGEST_BACK_OFF_S)
        else:
            back_off_s = BACK_OFF_S
