"""Folds beside a command, where no platform runs that would fold what it appends."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from services.addresses import Addresses
from services.data_dir import running
from services.engine import folds
from services.settings import Settings


@contextmanager
def folding(settings: Settings, addresses: Addresses) -> Iterator[None]:
    """See that what the block appends is folded: by the platform that runs, else by us, at its end.

    A store of its own is folded by its own projector: see that one runs. Raises ``FoldBug`` where
    an event can't be folded.
    """
    if settings.store_url or running(settings.data_dir) is not None:
        yield
        return
    stop = threading.Event()
    with folds(addresses) as loop, ThreadPoolExecutor(1, thread_name_prefix="folds") as threads:
        working = threads.submit(loop.run, stop)
        try:
            yield
        finally:
            stop.set()
            # Folds that ended by themselves are why the block gave up waiting for them.
            working.result()
        loop.drain()
