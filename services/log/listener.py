"""Hears PostgreSQL's NOTIFY and wakes the threads that wait for the log."""

import select
import socket
import threading
from typing import Final

import psycopg
from psycopg.rows import TupleRow

from services.log.connection import connect
from services.log.wakeup import Wakeup

RETRY_S: Final = 0.2
LISTEN: Final = "LISTEN touchline_log"


class Listener:
    """A thread with a connection of its own, opened again for as long as the listener lives."""

    def __init__(self, url: str, wakeup: Wakeup) -> None:
        self._url = url
        self._wakeup = wakeup
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="log-listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and wake whoever waits."""
        self._stop.send(b".")
        self._thread.join()
        self._stop.close()
        self._stopped.close()
        self._wakeup.wake()

    def _run(self) -> None:
        is_stopped = False
        while not is_stopped:
            try:
                with connect(self._url, "log-listen") as connection:
                    connection.execute(LISTEN)
                    # For what was appended before we listened, or while we could not.
                    self._wakeup.wake()
                    is_stopped = self._hear(connection)
            except psycopg.OperationalError:
                # Waiters fall back on their timeout, and their next read reports what is wrong.
                is_stopped = bool(_readable(self._stopped.fileno(), timeout_s=RETRY_S))

    def _hear(self, connection: psycopg.Connection[TupleRow]) -> bool:
        """Wake on every notification until told to stop; raises psycopg's error of a lost one."""
        while self._stopped.fileno() not in _readable(self._stopped.fileno(), connection.fileno()):
            connection.pgconn.consume_input()
            is_notified = False
            while connection.pgconn.notifies() is not None:
                is_notified = True
            if is_notified:
                self._wakeup.wake()
        return True


def _readable(*descriptors: int, timeout_s: float | None = None) -> list[int]:
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return [ready for ready, _ in poll.poll(None if timeout_s is None else timeout_s * 1000)]
