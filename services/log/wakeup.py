"""A wake-up call for threads that wait for the log to grow."""

import threading


class Wakeup:
    """Wakes every waiting thread; a thread that was busy finds it on its next ``wait``."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._times = 0
        self._seen = threading.local()

    def wake(self) -> None:
        """Let every thread's current or next ``wait`` return."""
        with self._changed:
            self._times += 1
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> None:
        """Return once ``wake`` was called since this thread's last wait, or after ``timeout_s``."""
        seen = getattr(self._seen, "times", 0)
        with self._changed:
            self._changed.wait_for(lambda: self._times != seen, timeout_s)
            self._seen.times = self._times
