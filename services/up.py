"""Up: everything made ready for the platform to run, then handed over to its supervisor."""

import io
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NoReturn

from services.addresses import (
    Addresses,
    embedded_archive,
    find,
    free_archive_port,
    release,
    resolved,
    using,
)
from services.commands.keys import KINDS, KeyOrder, create_key
from services.commands.workspaces import WorkspaceOrder, create_workspace
from services.data_dir import DataDir, Running
from services.log.open import make_doors, make_log
from services.plan import Child, Plan, Server
from services.ports import claimed_port
from services.settings import Settings, load
from services.store.embedded import EmbeddedPostgres
from services.store.migrate import migrate
from services.store.postgres_tenants import PostgresTenants

WORKSPACE: Final = "default"
"""What development begins with."""


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
        environment = _environment(settings, find(settings))
        plan = Plan(
            children=children(settings, directory, sample=sample),
            server=None if settings.store_url else _server(directory),
            greeting=[sys.executable, "-m", "services.up", "greet", sample],
            is_json=not _is_for_people(settings),
        )
    except BaseException:
        if not settings.store_url:
            release(directory)
        raise
    directory.announce(_running(settings, directory))
    os.set_inheritable(lock.fileno(), True)  # noqa: FBT003 - the supervisor keeps it
    _become_supervisor(plan, environment)


LIVE_PER_S: Final = 5
"""Simulated touches after a sample: enough to see it live, little enough to find one's own."""


def children(settings: Settings, directory: DataDir, *, sample: str) -> Sequence[Child]:
    """The platform's processes: who is asked starts before who asks."""
    python, web = sys.executable, f"{settings.local_url}/readyz"
    found = [
        Child("engine", [python, "-m", "services.engine"]),
        Child("web", [python, "-m", "services.web"], web),
        # Nobody waits for it, and the others have the processors first.
        Child("scorer", [python, "-m", "services.scorer"], is_late=True),
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


def greet(settings: Settings, sample: str) -> str:
    """What is shown once all is ready: addresses, a first call to try, and in development new keys.

    Keys are made no sooner than here, so that none is made and then never shown.
    """
    running = DataDir.at(settings.data_dir).running()
    is_development = settings.environment == "development"
    keys = _first_keys(settings.store_fold_url) if is_development else {}
    lines = [("Console", f"{settings.url}   [dim]asks for a secret key[/]")]
    lines.append(("API", f"{settings.url}/docs"))
    if running is not None and running.archive_url:
        lines.append(("Archive", f"{running.archive_url}   [dim]as ClickHouse, over HTTP[/]"))
    lines.append(("Data", str(settings.data_dir)))
    if sample:
        lines.append(("Sample", f"{sample}, from now on"))
    lines.extend((kind, f"[green]{key}[/]") for kind, key in keys.items())
    title = "Touchline is ready" + (f"; keys of workspace {WORKSPACE}, shown once" if keys else "")
    return _boxed(title, lines) + _first_call(settings, keys)


def _boxed(title: str, lines: Sequence[tuple[str, str]]) -> str:
    from rich.console import Console  # noqa: PLC0415 - slow, and only for this
    from rich.panel import Panel  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table.grid(padding=(0, 2))
    for name, value in lines:
        table.add_row(f"[bold]{name}[/]", value)
    out = io.StringIO()
    # Wide enough for a key: one that is broken in two can't be copied.
    console = Console(file=out, force_terminal=sys.stdout.isatty(), width=100, highlight=False)
    console.print(Panel(table, title=title, title_align="left", expand=False, padding=(1, 2)))
    return out.getvalue()


def _first_call(settings: Settings, keys: Mapping[str, str]) -> str:
    if not keys:
        make = f"touchline keys create --workspace {WORKSPACE} --kind"
        return (
            "Keys are shown once; new ones are made with (in a clone: .venv/bin/touchline)\n"
            f"  {make} write\n  {make} secret\n"
        )
    event = (
        '{"id":"hello-1","source":"shop","type":"feedback.given",'
        '"identifiers":["email:bea@example.org"],"data":{"survey":"nps","score":9}}'
    )
    return (
        f"  export WRITE={keys['write']} SECRET={keys['secret']} HERE={settings.url}\n"
        f"  curl -H \"Authorization: Bearer $WRITE\" $HERE/v1/events -d '{event}'\n"
    )


def _prepare(settings: Settings, directory: DataDir) -> None:
    """Have the database run and up to date, and a port for the archive."""
    if not settings.store_url:
        EmbeddedPostgres(directory).start()
    if not settings.archive_url:
        free_archive_port(directory)
    migrate(find(settings).store.owner, partitions=settings.partitions)
    make_log(settings.log_url, settings.partitions)
    make_doors(settings.kafka, settings.doors, settings.partitions)


def _first_keys(fold_url: str) -> Mapping[str, str]:
    """The keys by kind of a workspace made to begin with; none where there is a workspace."""
    tenants = PostgresTenants(fold_url)
    try:
        if tenants.workspaces():
            return {}
        now = datetime.now(UTC)
        create_workspace(WorkspaceOrder(WORKSPACE, "Default"), tenants, now, by="touchline up")
        return {
            kind: create_key(KeyOrder(WORKSPACE, kind, "first"), tenants, now).key for kind in KINDS
        }
    finally:
        tenants.close()


def _running(settings: Settings, directory: DataDir) -> Running:
    archive = "" if settings.archive_url else f"http://127.0.0.1:{embedded_archive(directory).port}"
    return Running(os.getpid(), settings.local_url, archive, datetime.now(UTC).isoformat())


def _server(directory: DataDir) -> Server:
    ours = [sys.executable, "-m", "services.up"]
    pid_file = str(directory.postgres / "postmaster.pid")
    place = str(directory.path)
    return Server(pid_file, [*ours, "start-postgres", place], [*ours, "stop-postgres", place])


def _is_for_people(settings: Settings) -> bool:
    return settings.log_format == "console" or (
        settings.log_format == "auto" and sys.stderr.isatty()
    )


def _environment(settings: Settings, found: Addresses) -> Mapping[str, str]:
    """What the platform's processes are told: every setting, and where all that is embedded is."""
    told = resolved(settings, found)
    if _is_for_people(settings) and "log_level" not in settings.model_fields_set:
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


def main(arguments: Sequence[str] = sys.argv[1:]) -> None:
    """What the supervisor asks for, once or now and then."""
    match list(arguments):
        case ["greet", sample]:
            sys.stdout.write(greet(load(), sample))
        case ["start-postgres", place]:
            EmbeddedPostgres(place).start()
        case ["stop-postgres", place]:
            release(DataDir.at(place))
        case _:
            sys.exit("python -m services.up greet SAMPLE | start-postgres DIR | stop-postgres DIR")


if __name__ == "__main__":
    main()
