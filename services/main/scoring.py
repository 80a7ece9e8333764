"""``touchline scoring``: models trained on one's own customers, compared, and let score."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.main import service
from services.main.deciding import BY
from services.main.options import DataDir, Json, Workspace
from services.main.output import print_json, print_rows
from services.main.scoring_models import chosen, histories, library, metrics, promotion, scoring

if TYPE_CHECKING:
    from services.scoring.comparing import Compared
    from services.scoring.training import Candidate, Failed

app = typer.Typer()
app.callback(invoke_without_command=True)(service.scoring)
Only = Annotated[
    str | None,
    typer.Option("--model", help="rfm, buying or churn.", show_default="all of them"),
]


@app.command()
def train(
    *, workspace: Workspace = "default", data_dir: DataDir = None, json: Json = False
) -> None:
    """Fit every model on all customers' histories, and keep what was fitted beside what scores.

    Nothing changes until a model is promoted. Exit code 1 where none could be fitted.
    """
    from services.scoring.training import Candidate
    from services.scoring.training import train as fit
    from services.store.scores import ModelRow

    with library(data_dir, workspace) as (_, models), _bar("Training") as told:
        done = fit(lambda: histories(models, workspace), told)
        kept = [one for one in done if isinstance(one, Candidate)]
        for new in kept:
            named = workspace, new.model, new.version, new.trained_until
            models.keep(ModelRow(*named, new.parameters, new.card))
    if json:
        print_json([_as_json(one) for one in done])
    else:
        for one in done:
            typer.echo(_sentence(one))
    if not kept:
        raise typer.Exit(1)


@app.command()
def report(
    *,
    model: Only = None,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Show the newest models' cards, and who would be scored otherwise by them; change nothing."""
    from services.scoring.comparing import compare
    from services.scoring.shelf import restore

    with library(data_dir, workspace) as (_, models):
        newest = chosen(models.models(workspace), model)
        now = scoring(models, workspace)
        then = {**now, **newest}
        found = compare(
            histories(models, workspace),
            models.status(workspace).tick,
            (restore(now.values()), restore(then.values())),
        )
    if json:
        print_json({"cards": [one.card for one in newest.values()], **_changes(found)})
        return
    for one in newest.values():
        is_scoring = now.get(one.model) == one
        typer.echo(f"{one.model} {one.version}" + (", which scores now" if is_scoring else ""))
        print_rows(list(_lines(one.card)), empty="")
    typer.echo(f"\n{found.moved} of {found.customers} customers would change:")
    print_rows(list(_moves(found)), empty="  nobody")


@app.command()
def promote(
    *,
    model: Only = None,
    version: Annotated[
        str | None, typer.Option(help="Of that model.", show_default="the newest")
    ] = None,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Let trained models score from now on; every customer is scored again."""
    from services.commands.promotion import Promotable

    with library(data_dir, workspace) as (addresses, models):
        wanted = chosen(models.models(workspace), model, version)
        before = models.promoted(workspace)
        with promotion(data_dir, addresses) as promoting:
            done = [
                promoting.promote(
                    workspace,
                    Promotable(
                        one.model, one.version, one.trained_until, one.parameters, metrics(one)
                    ),
                    previous=before.get(one.model),
                    by=BY,
                )
                for one in wanted.values()
                if before.get(one.model) != one.version
            ]
    if json:
        print_json(done)
        return
    for one in done:
        took = f", which takes over from {one.previous}" if one.previous else ""
        typer.echo(f"Model {one.model} is promoted: {one.version}{took}.")
    if not done:
        typer.echo("These models score already.")


@app.command()
def status(
    *, workspace: Workspace = "default", data_dir: DataDir = None, json: Json = False
) -> None:
    """Say how far scoring is behind the folds, and which models score."""
    with library(data_dir, workspace, is_fresh=False) as (_, models):
        found, scores = models.status(workspace), models.promoted(workspace)
    if json:
        print_json({**found._asdict(), "models": scores})
        return
    typer.echo(
        f"{found.scored} of {found.applied} records are scored; {found.customers} customers have "
        f"scores, of whom {found.due} wait to be brought up to the day."
    )
    for name, version in scores.items():
        typer.echo(f"Model {name} scores as version {version}.")
    if not scores:
        typer.echo("No model is promoted: touchline scoring train, report, promote.")


def _as_json(one: "Candidate | Failed") -> dict[str, Any]:
    from services.scoring.training import Failed

    if isinstance(one, Failed):
        return {"model": one.model, "version": None, "problem": one.reason}
    return {"model": one.model, "version": one.version, "card": one.card}


def _sentence(one: "Candidate | Failed") -> str:
    from services.scoring.training import Failed

    if isinstance(one, Failed):
        return f"Model {one.model} was not fitted: {one.reason}. What scores goes on."
    return f"Model {one.model} is trained: version {one.version}."


def _changes(found: "Compared") -> dict[str, Any]:
    return {
        "customers": found.customers,
        "changed": found.moved,
        "moves": [
            {"score": name, "from": before, "to": after, "customers": count}
            for (name, before, after), count in found.moves.most_common()
        ],
        "tiers": [
            {"from": before, "to": after, "customers": count}
            for (before, after), count in found.tiers.most_common()
        ],
    }


def _moves(found: "Compared") -> Iterator[dict[str, object]]:
    for (name, before, after), count in found.moves.most_common():
        yield {"score": name, "from": before, "to": after, "customers": count}
    for (before, after), count in found.tiers.most_common():
        if before != after:
            yield {"score": "tier", "from": before, "to": after, "customers": count}


def _lines(card: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    for name, value in card.items():
        yield {"": name, " ": value}


@contextmanager
def _bar(title: str) -> Iterator[Any]:
    """A progress bar on standard error, where somebody looks: a step a model."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TimeElapsedColumn

    from services.scoring.trained import MODELS

    console = Console(stderr=True)
    columns = ("{task.description}", BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=len(MODELS) + 1)
        step = iter(range(len(MODELS) + 1))
        yield lambda name: bar.update(
            task, description=f"{title}: {name}", completed=next(step, len(MODELS))
        )
