"""Up: everything made ready for the platform to run, then handed over to its supervisor."""

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NoReturn

from services.addresses import (
    embedded_archive,
    find,
    free_archive_port,
    release,
    resolved,
    using,
)
from services.data_dir import DataDir, Running
from services.greeting import greeter
from services.log.open import make_doors, make_log
from services.plan import Child, Plan, Server
from services.ports import claimed_port
from services.settings import Settings
from services.store.embedded import EmbeddedPostgres
from services.store.migrate import migrate


def up(settings: Settings, *, sample: str = "") -> NoReturn:
    """Run the platform that ``settings`` name until SIGTERM or SIGINT, as its supervisor.

    Raises ``Conflict`` where the data directory or the port is in use, ``Misconfigured`` and
    ``Unavailable``, and leaves nothing running then.
    """
    directory = DataDir.at(settings.data_dir)
    lock = directory.lock("touchline up")
    port = claimed_port(settings.host, settings.port)
    settings = settings.model_copy(update={"port": port, "data_dir": directory.path})
    try:
        with using(directory):
            _prepare(settings, directory)
        told = resolved(settings, find(settings))
        plan = Plan(
            children=children(settings, directory, sample=sample),
            server=None if settings.store_url else _server(directory),
            greeter=greeter(told, sample),
            is_json=not _is_for_people(settings),
        )
    except BaseException:
        if not settings.store_url:
            release(directory)
        raise
    directory.announce(_running(settings, directory))
    os.set_inheritable(lock.fileno(), True)  # noqa: FBT003 - the supervisor keeps it
    _become_supervisor(plan, _environment(told))


TRIMMED: Final = ("/usr/bin/env", "PYTHONMALLOC=malloc")
"""For who handles large batches: Python's own allocator keeps a megabyte for each small thing that
outlives one, 60 MB in all; the C library's gives pages back."""
LIVE_PER_S: Final = 5
"""Simulated touches after a sample: enough to see it live, little enough to find one's own."""


def children(settings: Settings, directory: DataDir, *, sample: str) -> Sequence[Child]:
    """The platform's processes: who is asked starts before who asks."""
    python, web = sys.executable, f"{settings.local_url}/readyz"
    found = [
        Child("engine", [*TRIMMED, python, "-m", "services.engine"]),
        Child("web", [python, "-m", "services.web"], web),
        # Nobody waits for it, and the others have the processors first.
        Child("scorer", [*TRIMMED, python, "-m", "services.scorer"], is_late=True),
    ]
    if not settings.archive_url:
        archive = embedded_archive(directory)
        arguments = [
            *("--data-dir", str(directory.archive), "--port", str(archive.port)),
            *("--password-file", str(archive.password_file)),
        ]
        front = [python, "-m", "services.archive.front", *arguments]
        found.insert(0, Child("archive", front, archive.ping_url))
    if sample:
        load = [python, "-m", "services.main", "sample", sample, "--live", str(LIVE_PER_S)]
        found.append(Child("sample", load, is_once=True, is_late=True))
    return found


def _prepare(settings: Settings, directory: DataDir) -> None:
    """Have the database run and up to date, and a port for the archive."""
    if not settings.store_url:
        EmbeddedPostgres(directory).start()
    if not settings.archive_url:
        free_archive_port(directory)
    migrate(find(settings).store.owner, partitions=settings.partitions)
    make_log(settings.log_url, settings.partitions)
    make_doors(settings.kafka, settings.doors, settings.partitions)


def _running(settings: Settings, directory: DataDir) -> Running:
    archive = "" if settings.archive_url else f"http://127.0.0.1:{embedded_archive(directory).port}"
    return Running(os.getpid(), settings.local_url, archive, datetime.now(UTC).isoformat())


def _server(directory: DataDir) -> Server:
    ours = [sys.executable, "-m", "services.database"]
    pid_file = str(directory.postgres / "postmaster.pid")
    place = str(directory.path)
    return Server(pid_file, [*ours, "start", place], [*ours, "stop", place])


def _is_for_people(settings: Settings) -> bool:
    return settings.log_format == "console" or (
        settings.log_format == "auto" and sys.stderr.isatty()
    )


def _environment(told: Settings) -> Mapping[str, str]:
    """What the platform's processes are told: every setting, and where all that is embedded is."""
    if _is_for_people(told) and "log_level" not in told.model_fields_set:
        # On a terminal a line a request would bury the keys; what went wrong still shows.
        told = told.model_copy(update={"log_level": "warning"})
    return {**os.environ, **told.environ}


def _become_supervisor(plan: Plan, environment: Mapping[str, str]) -> NoReturn:
    """Replace this process and the memory that preparing took; the plan goes through a pipe."""
    text = plan.dump()
    rung, bell = os.pipe()
    os.set_inheritable(rung, True)  # noqa: FBT003
    # A pipe holds 64 kB, a plan is a tenth of that: nobody has to read while we write.
    os.write(bell, text)
    os.close(bell)
    sys.stdout.flush()
    sys.stderr.flush()
    argv = [sys.executable, "-m", "services.supervisor"]
    os.execve(sys.executable, argv, {**environment, "TOUCHLINE_PLAN_FD": str(rung)})  # noqa: S606
