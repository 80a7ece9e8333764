"""``touchline targets``: where decisions are sent."""

import threading
from typing import TYPE_CHECKING, Annotated

import typer

from services.main.options import DataDir, Json, Workspace
from services.main.output import print_json, print_rows

if TYPE_CHECKING:
    from services.main.sending import Sending
    from services.store.targets import DeliveryRow, TargetRow, Traffic

app = typer.Typer(
    help="Make, list, try out and disable the targets that decisions are sent to: webhooks, Slack, "
    "Feishu, mailboxes.",
    no_args_is_help=True,
)
TargetId = Annotated[str, typer.Argument(help="As targets list shows it.", show_default=False)]
PATIENCE_S = 40.0
LOOK_S = 0.3


@app.command()
def create(
    kind: Annotated[
        str, typer.Argument(help="webhook, slack, feishu or email.", show_default=False)
    ],
    address: Annotated[
        str, typer.Argument(help="https://… or a mailbox; sealed at once.", show_default=False)
    ],
    *,
    name: Annotated[str, typer.Option(help="What people call it.", show_default=False)] = "",
    types: Annotated[
        list[str] | None,
        typer.Option(
            "--type", help="Tell it of this, like tier.changed; repeatable.",
            show_default="all about alerts",
        ),
    ] = None,
    language: Annotated[str, typer.Option(help="en or zh: of what people read.")] = "en",
    secret: Annotated[
        str,
        typer.Option(
            help="Of a Feishu bot that verifies signatures.", envvar="TOUCHLINE_TARGET_SECRET",
            show_default=False,
        ),
    ] = "",
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Have decisions sent somewhere, from now on.

    touchline targets create webhook https://example.org/hook --type alert.raised

    touchline targets create slack https://hooks.slack.com/services/T0/B0/x --type lifecycle.changed

    touchline targets create feishu https://open.feishu.cn/open-apis/bot/v2/hook/x --language zh

    touchline targets create email team@example.org --type points.expiring

    A webhook's secret is printed this once: receivers verify with it (docs/delivery.md). Mail goes
    through the server of TOUCHLINE_SMTP_URL.
    """
    from services.commands.targets import ALERTS, Draft
    from services.main.sending import sending
    from services.settings import load

    draft = Draft(
        kind=kind,
        address=address,
        name=name,
        types=types or ALERTS,
        language=language,
        secret=secret,
    )
    with sending(load(data_dir=data_dir)) as commands:
        made = commands.targets.create(workspace, draft)
    if json:
        print_json({**_fields(made.row), "secret": made.secret or None})
        return
    row = made.row
    typer.echo(f"{row.target_id} is told of {', '.join(row.types)} from now on.")
    if made.secret:
        typer.echo(f"{made.secret}\nThis is the only time it is shown: receivers verify with it.")
    typer.echo(f"Try it out with: touchline targets test {row.target_id}{_option(workspace)}")


@app.command("list")
def list_(
    *, workspace: Workspace = "default", data_dir: DataDir = None, json: Json = False
) -> None:
    """List targets: what each is told of, and how many deliveries wait or were given up."""
    from services.main.sending import sending
    from services.settings import load

    with sending(load(data_dir=data_dir)) as commands:
        found = commands.targets.all(workspace)
    if json:
        print_json([_fields(*each) for each in found])
    else:
        rows = [{**_fields(*each), "types": " ".join(each[0].types)} for each in found]
        print_rows(rows, empty="There are no targets; make one with: touchline targets create")


@app.command("test")
def try_out(
    target_id: TargetId,
    *,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Send a message that says it is a trial, and say what came of it.

    The platform must run: it is its sender that is tried out. Exit code 1 where the target did not
    take it.
    """
    from services.main.sending import sending
    from services.settings import load

    with sending(load(data_dir=data_dir)) as commands:
        number = commands.deliveries.test(workspace, target_id)
        row = _ended(commands, workspace, number)
    if json:
        print_json(row._asdict())
    elif row.state == "waiting":
        typer.echo("It waits still: the platform does not run, or was just told to leave it alone.")
    else:
        typer.echo("It was taken." if row.state == "delivered" else f"It failed: {row.problem}.")
    if row.state != "delivered":
        raise typer.Exit(1)


@app.command()
def disable(
    target_id: TargetId,
    *,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Send nothing more to a target; what waits for it waits on, for three days at most."""
    _switch((workspace, target_id), data_dir, json=json, is_enabled=False)


@app.command()
def enable(
    target_id: TargetId,
    *,
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Send to a target again what is decided from now on, and what waits for it."""
    _switch((workspace, target_id), data_dir, json=json, is_enabled=True)


@app.command("rotate-secret")
def rotate_secret(
    target_id: TargetId,
    *,
    secret: Annotated[
        str,
        typer.Option(
            help="A Feishu bot's new one.", envvar="TOUCHLINE_TARGET_SECRET", show_default=False
        ),
    ] = "",
    workspace: Workspace = "default",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Give a target another secret; a webhook's old one signs beside it for 24 hours."""
    from services.main.sending import sending
    from services.settings import load

    with sending(load(data_dir=data_dir)) as commands:
        made = commands.targets.rotate(workspace, target_id, secret)
    if json:
        print_json({**_fields(made.row), "secret": made.secret or None})
    elif made.secret:
        typer.echo(
            f"{made.secret}\nThis is the only time it is shown. Until this time tomorrow messages "
            "are signed with the old one too."
        )
    else:
        typer.echo(f"{target_id} signs with it from now on.")


def _switch(
    named: tuple[str, str], data_dir: DataDir, *, json: bool, is_enabled: bool
) -> None:  # fmt: skip
    from services.commands.targets import Change
    from services.main.sending import sending
    from services.settings import load

    with sending(load(data_dir=data_dir)) as commands:
        row = commands.targets.change(*named, Change(is_enabled=is_enabled))
    if json:
        print_json(_fields(row))
    else:
        typer.echo(f"{row.target_id} is {'enabled' if is_enabled else 'disabled'}.")


def _ended(commands: "Sending", workspace: str, number: int) -> "DeliveryRow":
    """The delivery once it ended, or as it is after a while."""
    pause = threading.Event()
    row = commands.deliveries.find(workspace, number)
    for _ in range(int(PATIENCE_S / LOOK_S)):
        if row.state != "waiting":
            break
        pause.wait(LOOK_S)
        row = commands.deliveries.find(workspace, number)
    return row


def _fields(row: "TargetRow", traffic: "Traffic | None" = None) -> dict[str, object]:
    told: dict[str, object] = {
        "target_id": row.target_id,
        "kind": row.kind,
        "name": row.name,
        "address": row.shown,
        "types": list(row.types),
        "language": row.language,
        "is_enabled": row.is_enabled,
    }
    return told if traffic is None else told | traffic._asdict()


def _option(workspace: str) -> str:
    return "" if workspace == "default" else f" --workspace {workspace}"
