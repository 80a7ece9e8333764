"""``touchline loyalty``: a customer's points spent, given back, corrected."""

from typing import TYPE_CHECKING, Annotated

import typer

from services.main.deciding import Key, Reason, Who, asking, say_taken_back
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
    with asking(workspace, key, data_dir) as desk:
        done = desk.deciders.points.redeem(desk.asked, desk.customer(who), points, reason)
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
    with asking(workspace, key, data_dir) as desk:
        taken = desk.deciders.voids.cancel(desk.asked, desk.customer(who), redemption_id, reason)
    if json:
        print_json({"redemption_id": redemption_id, "is_applied": taken.is_applied})
    else:
        say_taken_back("The points are given back.", is_applied=taken.is_applied)


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
    with asking(workspace, key, data_dir) as desk:
        done = desk.deciders.points.adjust(desk.asked, desk.customer(who), points, reason)
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
    with asking(workspace, key, data_dir) as desk:
        done = desk.deciders.points.grant(desk.asked, desk.customer(who), reward)
    _tell(done, f"Granted {reward} for {done.points} points", "reward_id", json=json)


def _tell(done: "Done", sentence: str, named: str, *, json: bool) -> None:
    if json:
        shown = {"points": done.points, "available": done.available, "position": done.position}
        print_json({named: done.id, **shown})
    else:
        typer.echo(f"{sentence}; {done.available} are available now. Its id is {done.id}.")
