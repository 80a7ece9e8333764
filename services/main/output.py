"""How commands print: one JSON value for scripts, a table for people."""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime


def print_json(value: object) -> None:
    """One JSON value on standard output."""
    import msgspec

    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def print_rows(rows: Sequence[Mapping[str, object]], *, empty: str) -> None:
    """A table of ``rows``, which have the same fields; ``empty`` is said where there are none."""
    from rich.console import Console
    from rich.table import Table

    # However narrow the terminal, nothing is cut that somebody may want to copy.
    console = Console(width=10_000, highlight=False)
    if not rows:
        console.print(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        table.add_column(name.replace("_", " "), no_wrap=True)
    for row in rows:
        table.add_row(*(_shown(value) for value in row.values()))
    console.print(table)


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case int() if not isinstance(value, bool):
            return f"{value:,}".replace(",", " ")
        case _:
            return str(value)
