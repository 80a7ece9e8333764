"""The data directory: what lies where, who holds it, and how a running platform is found in it."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Self

from services.errors import Conflict, Misconfigured

_PRIVATE = 0o700


@dataclass(frozen=True, slots=True)
class Running:
    """What a running ``touchline up`` tells other commands: no secrets."""

    pid: int
    url: str
    archive_url: str
    started_at: str

    def as_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class DataDir:
    """The layout below ``path``; asking for a place makes it."""

    path: Path

    @classmethod
    def at(cls, path: str | Path) -> Self:
        """The directory at ``path``, made where there is none; ``Misconfigured`` if it can't be."""
        place = Path(path).expanduser().absolute()
        try:
            # Another system user runs PostgreSQL when we are root, and has to pass through.
            place.mkdir(mode=0o711 if os.geteuid() == 0 else _PRIVATE, parents=True, exist_ok=True)
        except OSError as cause:
            raise _unusable(place, cause) from cause
        if not os.access(place, os.W_OK | os.X_OK):
            raise _unusable(place, PermissionError("not writable for this user"))
        return cls(place)

    @property
    def postgres(self) -> Path:
        """PostgreSQL's own folder, made by ``initdb``."""
        return self.path / "postgres"

    @property
    def archive(self) -> Path:
        """chdb's folder; can be rebuilt from the log."""
        return self._private("archive")

    @property
    def keys(self) -> Path:
        """Master key and passwords, each a file of mode 0600: back them up apart from the rest."""
        return self._private("keys")

    @property
    def run(self) -> Path:
        """Locks, ports and logs of what runs now; worthless when nothing does."""
        return self._private("run")

    def _private(self, name: str) -> Path:
        place = self.path / name
        place.mkdir(mode=_PRIVATE, exist_ok=True)
        return place

    def write_secret(self, name: str, content: str) -> Path:
        """Put ``content`` into ``keys/name``, mode 0600, whole or not at all."""
        place = self.keys / name
        draft = place.with_name(f".{name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(place)
        return place

    def lock(self, holder: str) -> IO[str]:
        """Take the directory until the file given back is closed, or the process is gone.

        Raises ``Conflict``, which names the holder, when somebody else has it.
        """
        file = self._lock_file.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as cause:
            file.seek(0)
            held_by = file.read().strip() or "another process"
            file.close()
            raise Conflict(
                f"{self.path} is in use by {held_by}",
                "stop that, or name another one with --data-dir or TOUCHLINE_DATA_DIR",
                field="the data directory",
            ) from cause
        file.truncate(0)
        file.write(f"{holder} (pid {os.getpid()})")
        file.flush()
        return file

    @contextmanager
    def exclusively(self, name: str) -> Iterator[None]:
        """Wait for, and hold, a short lock of the directory (starting PostgreSQL, making a key)."""
        with (self.run / f"{name}.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def announce(self, running: Running) -> None:
        """Tell other commands where the platform is; believed only while the lock is held."""
        draft = self._status_file.with_suffix(".new")
        draft.write_text(json.dumps(running.as_dict()))
        draft.rename(self._status_file)

    def is_locked(self) -> bool:
        """Whether somebody has ``lock`` now."""
        try:
            with self._lock_file.open("r") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False

    def running(self) -> Running | None:
        """The platform that runs here now, if one does."""
        try:
            said = Running(**json.loads(self._status_file.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            # Locked but not announced: it is just starting.
            return None
        return said if self.is_locked() else None

    @property
    def _lock_file(self) -> Path:
        return self.run / "lock"

    @property
    def _status_file(self) -> Path:
        return self.run / "up.json"


def running(data_dir: str | Path) -> Running | None:
    """The platform that runs in ``data_dir`` now, if one does; makes no directory."""
    place = Path(data_dir).expanduser().absolute()
    return DataDir(place).running() if place.is_dir() else None


def _unusable(place: Path, cause: OSError) -> Misconfigured:
    return Misconfigured(
        f"the data directory {place} can't be used ({cause.strerror or cause}); "
        "name another one with --data-dir or TOUCHLINE_DATA_DIR"
    )
