"""``touchline policies``: the rules of a workspace, shown, tried out and published."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from services.main.deciding import Key, asked, deciding
from services.main.instants import instant
from services.main.options import DataDir, Json, Workspace
from services.main.output import print_json, print_rows

if TYPE_CHECKING:
    from schemas.problems import Problem
    from services.addresses import Addresses
    from services.commands.policies import Draft, Published
    from services.fold.trial import Shift, Trial
    from services.store.policies import Policy

app = typer.Typer(
    help="Show, try out and publish the rules of stages, points, tiers and alerts.",
    no_args_is_help=True,
)
Kind = Annotated[str | None, typer.Option(help="loyalty, lifecycle or alert.", show_default=False)]
Name = Annotated[
    str | None, typer.Option(help="Which of its kind, like a machine.", show_default=False)
]
WRONG_USE = 2
_FILES: Final = {"alert": "alerts.toml"}
"""Of the rules that ship, where it is not named like its kind."""


@app.command()
def show(
    *,
    kind: Kind = None,
    name: Name = None,
    default: Annotated[
        bool, typer.Option("--default", help="The rules that ship, with comments that teach.")
    ] = False,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Print the rules in force, as TOML that can be changed and published."""
    if default:
        _show_default(kind)
        return
    from services.addresses import borrow
    from services.settings import load

    settings = load(data_dir=data_dir)
    with borrow(settings) as addresses, deciding(settings, addresses, workspace) as deciders:
        every = deciders.policies.in_force(workspace)
    found = [one for one in every if kind in {None, one.kind} and name in {None, one.name}]
    if json:
        print_json([one._asdict() for one in found])
        return
    typer.echo("\n\n".join(map(_as_toml, found)) or "There are no such policies.")


@app.command()
def publish(
    file: Annotated[
        Path, typer.Argument(help="TOML or JSON.", exists=True, dir_okay=False, show_default=False)
    ],
    *,
    kind: Kind = None,
    name: Name = None,
    effective_at: Annotated[
        str | None,
        typer.Option(
            help="From when on, like 2026-12-01T00:00:00Z.", show_default="the earliest there is"
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say who would change and how; publish nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Switch alert rules on that were never backtested.")
    ] = False,
    key: Key = None,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Let rules apply from a time on; what is wrong with them is told whole."""
    from services.addresses import borrow
    from services.commands.drafts import ALERT, read
    from services.commands.policies import check
    from services.errors import Refused
    from services.settings import load

    at = instant(effective_at, field="effective_at") if effective_at else None
    drafts = read(file.read_bytes(), kind=kind, name=name, effective_at=at)
    problems = [(draft, problem) for draft in drafts for problem in check(draft.kind, draft.rules)]
    if problems:
        _tell_problems(problems, json=json)
        raise typer.Exit(WRONG_USE)
    settings = load(data_dir=data_dir)
    if dry_run and any(draft.kind == ALERT for draft in drafts):
        problem = "can't be tried on stages and tiers"
        raise Refused(problem, "backtest an alert rule instead", field="kind", value=ALERT)
    with borrow(settings) as addresses:
        if dry_run:
            trial = _tried(addresses, workspace, drafts)
            print_json(_as_json(trial)) if json else _tell_trial(trial)
            return
        with deciding(settings, addresses, workspace) as deciders:
            done = []
            for draft in drafts:
                own = None if key is None else f"{key}/{draft.name}"
                forced = replace(draft, is_forced=force)
                done.append(deciders.policies.publish(asked(workspace, own), forced))
    if json:
        print_json(done)
    else:
        for one in done:
            typer.echo(_sentence(one))


def _show_default(kind: str | None) -> None:
    from importlib import resources

    from services.commands.policies import KINDS
    from services.errors import Refused

    if kind not in {None, *KINDS}:
        remedy = f"choose one of {', '.join(KINDS)}"
        raise Refused("is no kind of policy", remedy, field="kind", value=kind)
    folder = resources.files("schemas.rules") / "defaults"
    kinds = KINDS if kind is None else (kind,)
    files = (folder / _FILES.get(one, f"{one}.toml") for one in kinds)
    typer.echo("\n".join(file.read_text("utf-8") for file in files), nl=False)


def _as_toml(policy: "Policy") -> str:
    from services.main.toml import dumps

    since = f"{policy.effective_at:%Y-%m-%dT%H:%MZ}" if policy.effective_at else "the beginning"
    head = f"# Version {policy.version}, in force from {since} on.\n"
    return head + dumps({"kind": policy.kind, "name": policy.name, **policy.rules}).rstrip()


def _tell_problems(found: "Sequence[tuple[Draft, Problem]]", *, json: bool) -> None:
    if json:
        print_json(
            [{"kind": draft.kind, "name": draft.name, **_fields(one)} for draft, one in found]
        )
        return
    for draft, one in found:
        value = "" if one.value is None else f" ({one.value})"
        place = f"{draft.kind} {draft.name}: {one.field}"
        sys.stderr.write(f"{place}{value} {one.problem}\n    {one.remedy}\n")


def _fields(problem: "Problem") -> dict[str, object]:
    return {
        "field": problem.field,
        "value": problem.value,
        "problem": problem.problem,
        "remedy": problem.remedy,
    }


def _tried(addresses: "Addresses", workspace: str, drafts: "Sequence[Draft]") -> "Trial":
    import msgspec

    from services.commands.policies import plain
    from services.fold.trial import CHUNK, try_out
    from services.main.tenants import workspace_row
    from services.projector.projections import READ_MODELS
    from services.store.course import RuleRow
    from services.store.postgres import PostgresStore
    from services.store.reader import Reader
    from services.store.roll import customers

    workspace_row(addresses, workspace)
    now = datetime.now(UTC)
    rules = [
        RuleRow(
            workspace, draft.kind, draft.name, now, "touchline", "draft", 2**31 - 1, None,
            msgspec.json.encode(plain(draft.rules)),
        )
        for draft in drafts
    ]  # fmt: skip
    with (
        closing(PostgresStore(addresses.store.fold)) as store,
        closing(Reader(addresses.store.query)) as reader,
    ):
        chunks = customers(reader, workspace, drafts[0].kind, CHUNK)
        return try_out(READ_MODELS, store, rules, chunks)


def _tell_trial(trial: "Trial") -> None:
    at = f"{trial.at:%Y-%m-%d %H:%M} UTC" if trial.at else "now"
    typer.echo(f"{trial.customers} customers, as of {at}. Nothing is published.\n")
    typer.echo("At once, where points stay as earned and tiers are kept for the grace:")
    print_rows(list(_rows(trial.at_once)), empty="  nobody moves")
    typer.echo("\nIn the end, as if these rules had always applied:")
    print_rows(list(_rows(trial.in_the_end)), empty="  nobody moves")
    if examples := _examples(trial.in_the_end):
        typer.echo("\nFor example:")
        print_rows(examples, empty="")


def _as_json(trial: "Trial") -> dict[str, Any]:
    return {
        "at": trial.at,
        "customers": trial.customers,
        **{
            name: {"moves": list(_rows(shift)), "examples": _examples(shift)}
            for name, shift in (("at_once", trial.at_once), ("in_the_end", trial.in_the_end))
        },
    }


def _rows(shift: "Shift") -> Iterator[dict[str, object]]:
    for move, count in shift.moves.most_common():
        yield {"of": move.kind, "from": move.before, "to": move.after, "customers": count}


def _examples(shift: "Shift") -> list[dict[str, object]]:
    return [
        {"customer_id": customer, "of": move.kind, "from": move.before, "to": move.after}
        for customer, move in shift.examples
    ]


def _sentence(done: "Published") -> str:
    since = f"{done.effective_at:%Y-%m-%d %H:%M} UTC" if done.effective_at else "the beginning"
    said = f"The {done.kind} policy {done.name} has version {done.version}, from {since} on."
    return said if done.is_applied else f"{said} It is safe, and the folds don't know of it yet."
