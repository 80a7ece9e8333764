"""Folds beside a command, where no platform runs that would fold what it appends."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from services.addresses import Addresses
from services.data_dir import running
from services.engine import folds
from services.settings import Settings


@contextmanager
def folding(settings: Settings, addresses: Addresses) -> Iterator[None]:
    """See that what the block appends is folded: by the platform that runs, else by us, at its end.

    A store of its own is folded by its own projector: see that one runs.
    """
    if settings.store_url or running(settings.data_dir) is not None:
        yield
        return
    stop = threading.Event()
    with folds(addresses) as loop:
        thread = threading.Thread(target=loop.run, args=(stop,), name="folds", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
        while loop.once():
            pass
