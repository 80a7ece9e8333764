"""What the platform's processes have in common: works side by side, and how they end."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import Final

import structlog

from services.errors import Misconfigured, TouchlineError
from services.fold.loop import FoldBug

WRONG_USE: Final = 2
"""The exit code by which the supervisor knows that starting again is in vain."""

log = structlog.get_logger()
Work = Callable[[threading.Event], None]


@contextmanager
def beside(stop: threading.Event, works: Sequence[Work]) -> Iterator[None]:
    """These at work until the block ends; one that ends by a bug sets ``stop``, and raises then.

    So the process ends, starts anew, and somebody sees it.
    """
    with ThreadPoolExecutor(max(1, len(works)), thread_name_prefix="beside") as threads:
        under_way = [threads.submit(work, stop) for work in works]
        for each in under_way:
            each.add_done_callback(lambda _: stop.set())
        try:
            yield
        finally:
            stop.set()
        for each in under_way:
            each.result()


def ending(name: str, work: Callable[[], None]) -> int:
    """Do ``work``; gives the exit code: 1 where it can't go on, 2 where it never can."""
    try:
        work()
    except FoldBug as bug:
        _say(f"{name}.stopped", bug, exc_info=bug.__cause__)
        return 1
    except Misconfigured as error:
        _say(f"{name}.refused", error)
        return WRONG_USE
    except TouchlineError as error:
        _say(f"{name}.failed", error)
        return 1
    return 0


def _say(event: str, error: TouchlineError, **more: object) -> None:
    log.critical(event, problem=str(error), **more)


def stopped_by_signals() -> threading.Event:
    """Set by SIGTERM and SIGINT; then the batch at hand is finished, and no other begun."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stopping(stop))
    return stop


def _stopping(stop: threading.Event) -> Callable[[int, FrameType | None], None]:
    return lambda _number, _frame: stop.set()
