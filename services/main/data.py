"""``touchline import``, ``sample`` and ``live``: bringing data in."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.main.options import DataDir, Json
from services.main.output import print_json

if TYPE_CHECKING:
    from rich.console import Console

    from services.ingest.files.load import Understood
    from services.ingest.load import Destination, Loaded

Workspace = Annotated[str, typer.Option(help="The workspace that the events belong to.")]


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="NDJSON or CSV, gzip too.", exists=True, dir_okay=False, show_default=False
        ),
    ],
    *,
    source: Annotated[
        str | None, typer.Option(help="Of events that name none.", show_default=False)
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(
            help="What columns mean: TOML or JSON.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    currency: Annotated[str, typer.Option(help="Of amounts that name none.")] = "EUR",
    workspace: Workspace = "default",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what files are taken for; load nothing.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Read from the beginning what was read before.")
    ] = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Load files of events: ours, one a line, or rows that a mapping makes events of.

    An import that was stopped, however rudely, goes on where it stopped. What is refused is kept as
    a dead letter. Ends with 1 only where nothing could be read.
    """
    from rich.console import Console

    from services.ingest.files.mapping import read_mapping
    from services.main.load_report import explain, outcome
    from services.main.loading import open_destination

    console = Console(stderr=json, highlight=False)
    known = read_mapping(mapping) if mapping else None

    def understood_as(path: Path) -> "Understood | None":
        from services.errors import Refused
        from services.ingest.files.load import understand

        try:
            return understand(path, mapping=known, source=source, currency=currency)
        except Refused as refused:
            console.print(f"touchline: {refused}", style="red", markup=False)
            return None

    understood = [found for path in files if (found := understood_as(path)) is not None]
    if not understood:
        raise typer.Exit(1)
    if dry_run:
        for one in understood:
            explain(one, console)
        return
    with open_destination(workspace, data_dir) as destination:
        loads = [
            (one.file.path.name, _import(one, destination, console, again=again))
            for one in understood
        ]
    if json:
        print_json(outcome(loads))
    if not any(loaded.mark.accepted for _, loaded in loads):
        raise typer.Exit(1)


def sample(
    name: Annotated[str, typer.Argument(help="completejourney or cdnow.", show_default=False)],
    *,
    keep_dates: Annotated[
        bool, typer.Option("--keep-dates", help="Leave the data in its own years.")
    ] = False,
    then_live: Annotated[
        float, typer.Option("--live", help="Then go on with so many touches a second.", min=0.0)
    ] = 0.0,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Load a real data set, moved in time by whole days so that it ends now.

    Sources that begin with "simulated" are touches made up around it. Loading it again changes
    nothing.
    """
    from rich.console import Console

    from services.clock import SystemClock
    from services.ingest.samples.catalogue import find
    from services.ingest.samples.load import ending_now, keeping_dates, load_sample
    from services.main.load_report import outcome, report
    from services.main.loading import open_destination
    from services.main.loading_bar import LoadingBar

    console = Console(stderr=json, highlight=False)
    found = find(name)
    shift_for = keeping_dates if keep_dates else ending_now(SystemClock().now())
    with (
        open_destination(workspace, data_dir) as destination,
        LoadingBar(name, found.size, is_shown=console.is_terminal) as bar,
    ):
        loaded = load_sample(name, destination, shift_for=shift_for, progress=bar)
    report(name, loaded, console)
    if json:
        print_json(outcome([(name, loaded)]))
    if then_live:
        live(per_second=then_live, workspace=workspace, data_dir=data_dir)


def live(
    *,
    per_second: Annotated[float, typer.Option(help="How many touches.", min=0.01, max=1000)] = 5.0,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
) -> None:
    """Send simulated touches as they would come, of people whom the sample completejourney knows.

    They say so by their source, simulated-live. Ctrl-C or SIGTERM ends it.
    """
    import signal
    import threading
    from collections.abc import Sequence

    from services.clock import SystemClock
    from services.ingest.accept import Accepted
    from services.ingest.samples.live import feed, run
    from services.main.loading import open_destination

    clock, stop = SystemClock(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with open_destination(workspace, data_dir) as destination:

        def send(raws: Sequence[bytes]) -> None:
            results = destination.accept(raws)
            destination.append([result for result in results if isinstance(result, Accepted)])

        sent = run(feed(clock.now()), send, per_second=per_second, clock=clock, stop=stop)
    typer.echo(f"{sent:,} touches sent")


def _import(
    understood: "Understood", destination: "Destination", console: "Console", *, again: bool
) -> "Loaded":
    from services.ingest.files.load import import_file
    from services.main.load_report import report
    from services.main.loading_bar import LoadingBar

    name = understood.file.path.name
    with LoadingBar(name, understood.file.size, is_shown=console.is_terminal) as bar:
        loaded = import_file(understood, destination, progress=bar, again=again)
    report(name, loaded, console)
    return loaded
