"""The commands that bring data in: ``import`` and ``sample``."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec
import typer
from rich.console import Console
from rich.markup import escape

from schemas.problems import Problem
from services.clock import SystemClock
from services.errors import Refused
from services.ingest.files.load import Understood, import_file, preview, understand
from services.ingest.files.mapping import Mapping, read_mapping
from services.ingest.load import Destination, Loaded
from services.ingest.samples.catalogue import SAMPLES, find
from services.ingest.samples.load import ending_now, keeping_dates, load_sample
from services.main.loading_bar import LoadingBar

OpenDestination: TypeAlias = Callable[[str], AbstractContextManager[Destination]]
"""The platform that runs or is started, as far as a load into the named workspace needs it."""

Workspace = Annotated[str, typer.Option(help="The workspace that the events belong to.")]
Json = Annotated[bool, typer.Option("--json", help="Tell the outcome as JSON on standard output.")]


def add_data_commands(app: typer.Typer, open_destination: OpenDestination) -> None:
    """Add ``import`` and ``sample`` to ``app``; they load into what ``open_destination`` gives."""

    @app.command("import")
    def import_(
        files: Annotated[
            list[Path], typer.Argument(exists=True, dir_okay=False, help="NDJSON or CSV, gzip too.")
        ],
        *,
        source: Annotated[
            str | None, typer.Option(help="The source of events that name none.")
        ] = None,
        mapping: Annotated[
            Path | None,
            typer.Option(exists=True, dir_okay=False, help="What columns mean: TOML or JSON."),
        ] = None,
        currency: Annotated[str, typer.Option(help="Of amounts that name none.")] = "EUR",
        workspace: Workspace = "default",
        dry_run: Annotated[
            bool,
            typer.Option("--dry-run", help="Show what the files are taken for, and load nothing."),
        ] = False,
        again: Annotated[
            bool,
            typer.Option("--again", help="Read files from the beginning that were read before."),
        ] = False,
        json: Json = False,
    ) -> None:
        """Load files of events: ours, one a line, or rows that a mapping makes events of.

        An import that was stopped, however rudely, goes on where it stopped. What is refused is
        kept as a dead letter. Ends with 1 only where nothing could be read.
        """
        console = Console(stderr=json)
        known = read_mapping(mapping) if mapping else None
        understood = [
            found
            for path in files
            if (
                found := _understood(path, console, mapping=known, source=source, currency=currency)
            )
            is not None
        ]
        if dry_run:
            for one in understood:
                _explain(one, console)
        elif understood:
            with open_destination(workspace) as destination:
                loads = [
                    (one.file.path.name, _import(one, destination, console, again=again))
                    for one in understood
                ]
            if json:
                _tell(loads)
            if not any(loaded.mark.accepted for _, loaded in loads):
                raise typer.Exit(1)
        else:
            raise typer.Exit(1)

    @app.command()
    def sample(
        name: Annotated[str, typer.Argument(help=f"One of {', '.join(SAMPLES)}.")],
        *,
        keep_dates: Annotated[
            bool, typer.Option("--keep-dates", help="Leave the data in its own years.")
        ] = False,
        workspace: Workspace = "default",
        json: Json = False,
    ) -> None:
        """Load a real data set, moved in time by whole days so that it ends now.

        Sources that begin with "simulated" are touches made up around it. Loading it again changes
        nothing.
        """
        console = Console(stderr=json)
        found = find(name)
        shift_for = keeping_dates if keep_dates else ending_now(SystemClock().now())
        with (
            open_destination(workspace) as destination,
            LoadingBar(name, found.size, is_shown=console.is_terminal) as bar,
        ):
            loaded = load_sample(name, destination, shift_for=shift_for, progress=bar)
        _report(name, loaded, console)
        if json:
            _tell([(name, loaded)])


def _understood(
    path: Path, console: Console, *, mapping: Mapping | None, source: str | None, currency: str
) -> Understood | None:
    try:
        return understand(path, mapping=mapping, source=source, currency=currency)
    except Refused as refused:
        console.print(f"[red]{escape(str(refused))}[/red]")
        return None


def _import(
    understood: Understood, destination: Destination, console: Console, *, again: bool
) -> Loaded:
    name = understood.file.path.name
    with LoadingBar(name, understood.file.size, is_shown=console.is_terminal) as bar:
        loaded = import_file(understood, destination, progress=bar, again=again)
    _report(name, loaded, console)
    return loaded


def _explain(understood: Understood, console: Console) -> None:
    """What a file is taken for, and its first events as they would be posted."""
    file = understood.file
    packed = ", gzip" if file.is_gzip else ""
    console.print(
        f"[bold]{escape(str(file.path))}[/bold]: {file.kind}{packed}, {file.size:,} bytes"
    )
    if understood.mapping is None:
        console.print(
            f"  each line is an event; source where it names none: {escape(understood.source)}"
        )
    else:
        tree = understood.mapping.model_dump(exclude_defaults=True, by_alias=True)
        console.print_json(msgspec.json.encode(tree).decode())
        if understood.unused:
            console.print(f"  not used: {escape(', '.join(understood.unused))}")
    for shown in preview(understood):
        console.print(escape(shown.item.raw.decode("utf-8", "replace")), soft_wrap=True)
        for problem in shown.problems:
            console.print(f"  [red]{escape(_sentence(problem))}[/red]")


def _report(name: str, loaded: Loaded, console: Console) -> None:
    mark = loaded.mark
    state = "loaded" if mark.is_done else "loaded in part"
    console.print(
        f"{escape(name)}: {state}, {mark.accepted:,} accepted, {mark.rejected:,} refused",
        highlight=False,
    )
    if loaded.broke_off is not None:
        console.print(f"  [red]{escape(_sentence(loaded.broke_off))}[/red]")
    for reason, count in loaded.reasons.most_common(5):
        console.print(f"  {count:,} × {escape(reason)}", highlight=False)
    for origin, problem in loaded.examples:
        console.print(f"  {escape(origin)}: {escape(_sentence(problem))}", highlight=False)
    if mark.rejected:
        console.print("  refused events are kept: touchline dead-letters list")


def _sentence(problem: Problem) -> str:
    value = "" if problem.value is None else f" {problem.value!r}"
    return f"{problem.field}{value} {problem.problem}; {problem.remedy}".strip()


def _tell(loads: Sequence[tuple[str, Loaded]]) -> None:
    outcome = [
        {
            "name": name,
            "is_done": loaded.mark.is_done,
            "accepted": loaded.mark.accepted,
            "rejected": loaded.mark.rejected,
            "reasons": dict(loaded.reasons),
            "examples": [
                {"origin": origin, **asdict(problem)} for origin, problem in loaded.examples
            ],
            "broke_off": loaded.broke_off and asdict(loaded.broke_off),
        }
        for name, loaded in loads
    ]
    typer.echo(msgspec.json.encode({"loads": outcome}).decode())
