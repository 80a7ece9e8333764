"""``touchline alerts backtest``: a rule tried out on all that happened."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from services.main.deciding import BY
from services.main.instants import instant
from services.main.options import DataDir, Json, Workspace
from services.main.output import print_json, print_rows
from services.main.scoring_models import library

if TYPE_CHECKING:
    from services.commands.backtests import Told, Wanted
    from services.store.alerts import TestedRow

_FIGURES: Final = (
    "alerts_total", "alerted", "alerts_a_day", "most_a_day", "departures_total", "precision",
    "recall", "lead_days", "base_rate",
)  # fmt: skip


def backtest(
    rule: Annotated[
        str,
        typer.Argument(
            help="The name of a rule in force, or a file that has one.", show_default=False
        ),
    ],
    *,
    name: Annotated[
        str | None, typer.Option(help="Which of the file's rules.", show_default=False)
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", help="Like 2026-01-01T00:00:00Z.", show_default="a year before"),
    ] = None,
    to: Annotated[str | None, typer.Option(help="Until when.", show_default="now")] = None,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Say whom a rule would have alerted, how many a day, and how many of them really left.

    What is found is kept: then this very rule may be switched on with policies publish.
    """
    from services.clock import SystemClock
    from services.commands.backtests import Backtests
    from services.scoring.backtests import Backtester
    from services.store.decisions import PostgresDecisions
    from services.store.postgres_alerts import PostgresAlerts

    wanted = _wanted(rule, name, from_=from_, to=to)
    with (
        library(data_dir, workspace) as (addresses, models),
        closing(PostgresAlerts(addresses.store.query)) as alerts,
        closing(PostgresDecisions(addresses.store.query)) as decisions,
    ):
        tests = Backtests(Backtester(models), alerts, decisions, SystemClock())
        found = []
        for one in wanted:
            with _bar(f"Backtest of {one.name}") as told:
                found.append(tests.test(workspace, one, BY, told))
    if json:
        print_json([one._asdict() for one in found])
        return
    for tested in found:
        _say(tested)


def _wanted(rule: str, name: str | None, *, from_: str | None, to: str | None) -> "list[Wanted]":
    from services.commands.backtests import Wanted
    from services.commands.drafts import ALERT, read
    from services.errors import Refused

    from_at = instant(from_, field="from") if from_ else None
    to_at = instant(to, field="to") if to else None
    file = Path(rule)
    if not file.is_file():
        return [Wanted(rule, None, from_at, to_at)]
    drafts = read(file.read_bytes(), name=name)
    for one in drafts:
        if one.kind != ALERT:
            remedy = "policies publish --dry-run tries the others out"
            raise Refused("is no alert rule", remedy, field="kind", value=one.kind)
    return [Wanted(one.name, one.rules, from_at, to_at) for one in drafts]


def _say(tested: "TestedRow") -> None:
    body = tested.body
    typer.echo(f"{tested.rule}, from {body['from']} until {body['to']}:")
    columns = {"tried out": body} | ({"in force": body["in_force"]} if "in_force" in body else {})
    print_rows(
        [
            {"": name.replace("_", " ")}
            | {title: _figure(name, found) for title, found in columns.items()}
            for name in _FIGURES
        ],
        empty="",
    )
    if "compared" in body:
        found = body["compared"]
        typer.echo(
            f"{found['both']} customers are alerted by both, {found['only_new']} by this rule"
            f" alone, {found['only_old']} by the one in force alone."
        )
    typer.echo("It is kept: this very rule may be switched on now.\n")


def _figure(name: str, found: Mapping[str, Any]) -> str:
    value = found[name]
    if value is None:
        return "not known"
    if name in ("precision", "recall", "base_rate"):
        return f"{value:.1%}"
    return f"{value:,}"


@contextmanager
def _bar(title: str) -> "Iterator[Told]":
    """A progress bar on standard error, where somebody looks: a step a customer."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
