"""``touchline loyalty``: a customer's points spent, given back, corrected."""

from typing import TYPE_CHECKING, Annotated

import typer

from services.main.deciding import Key, Reason, Who, asked, deciding, hash_of
from services.main.options import DataDir, Json, Workspace
from services.main.output import print_json

if TYPE_CHECKING:
    from services.commands.loyalty import Done

app = typer.Typer(
    help="Spend a customer's points, give them back, correct them.", no_args_is_help=True
)
Points = Annotated[int, typer.Argument(help="How many points.", show_default=False)]


@app.command()
def redeem(
    who: Who,
    points: Points,
    *,
    reason: Reason = None,
    key: Key = None,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Spend points, if the balance covers them."""
    from services.addresses import borrow
    from services.settings import load

    settings = load(data_dir=data_dir)
    with borrow(settings) as addresses, deciding(settings, addresses, workspace) as deciders:
        customer = hash_of(addresses, workspace, who)
        done = deciders.points.redeem(asked(workspace, key), customer, points, reason)
    _tell(done, f"Spent {points} points", "redemption_id", json=json)


@app.command()
def cancel(
    who: Who,
    redemption_id: Annotated[
        str, typer.Argument(help="Of a redemption, or of a granted reward.", show_default=False)
    ],
    *,
    reason: Reason = None,
    key: Key = None,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Give the points of a redemption or a reward back."""
    from services.addresses import borrow
    from services.settings import load

    settings = load(data_dir=data_dir)
    with borrow(settings) as addresses, deciding(settings, addresses, workspace) as deciders:
        customer = hash_of(addresses, workspace, who)
        taken = deciders.voids.cancel(asked(workspace, key), customer, redemption_id, reason)
    if json:
        print_json({"redemption_id": redemption_id, "is_applied": taken.is_applied})
    elif taken.is_applied:
        typer.echo("The points are given back.")
    else:
        typer.echo("It is decided and safe, and not applied yet; the folds are behind.")


@app.command(context_settings={"ignore_unknown_options": True})
def adjust(
    who: Who,
    points: Annotated[
        int, typer.Argument(help="To add, or to take if negative.", show_default=False)
    ],
    *,
    reason: Annotated[str, typer.Option(help="Why, in a word or two.", show_default=False)],
    key: Key = None,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Correct a balance by hand; it may become a debt."""
    from services.addresses import borrow
    from services.settings import load

    settings = load(data_dir=data_dir)
    with borrow(settings) as addresses, deciding(settings, addresses, workspace) as deciders:
        customer = hash_of(addresses, workspace, who)
        done = deciders.points.adjust(asked(workspace, key), customer, points, reason)
    _tell(done, f"Adjusted by {points:+} points", "adjustment_id", json=json)


@app.command()
def grant(
    who: Who,
    reward: Annotated[
        str, typer.Argument(help="A reward of the policy in force.", show_default=False)
    ],
    *,
    key: Key = None,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Give a reward for its price in points."""
    from services.addresses import borrow
    from services.settings import load

    settings = load(data_dir=data_dir)
    with borrow(settings) as addresses, deciding(settings, addresses, workspace) as deciders:
        customer = hash_of(addresses, workspace, who)
        done = deciders.points.grant(asked(workspace, key), customer, reward)
    _tell(done, f"Granted {reward} for {done.points} points", "reward_id", json=json)


def _tell(done: "Done", sentence: str, named: str, *, json: bool) -> None:
    if json:
        shown = {"points": done.points, "available": done.available, "position": done.position}
        print_json({named: done.id, **shown})
    else:
        typer.echo(f"{sentence}; {done.available} are available now. Its id is {done.id}.")
