"""The greeting: what is shown once all is ready, by a process that was made for it beforehand."""

import io
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from services.commands.keys import KINDS, KeyOrder, create_key
from services.commands.workspaces import WorkspaceOrder, create_workspace
from services.data_dir import DataDir
from services.settings import Settings
from services.store.postgres_tenants import PostgresTenants

WORKSPACE: Final = "default"
"""What development begins with."""


def greeter(settings: Settings, sample: str) -> int:
    """Fork a process that greets and ends when something is written to the descriptor given.

    What it needs is in memory already: a new one would have to import it all, while everybody
    waits. It closes its end when it is done; closed before, it ends without a word.
    """
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        _wait_and_greet(theirs, settings, sample)
    theirs.close()
    ours.set_inheritable(True)
    return ours.detach()


def _wait_and_greet(asked: socket.socket, settings: Settings, sample: str) -> None:
    code = 1
    try:
        # Whoever ends the platform closes the other end.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if asked.recv(1):
            sys.stdout.write(greet(settings, sample))
            sys.stdout.flush()
        code = 0
    except Exception as error:  # noqa: BLE001 - the platform runs, and there is nobody else to tell
        sys.stderr.write(f"touchline: nobody could be greeted: {error}\n")
    finally:
        os._exit(code)


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
