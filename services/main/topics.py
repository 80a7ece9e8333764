"""``touchline topics``: the topic of a log on Kafka."""

from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from services.main.options import DataDir, Json
from services.main.output import print_json, print_rows

if TYPE_CHECKING:
    from services.log.kafka.address import Address
    from services.log.kafka.topic import Topic
    from services.settings import Settings

app = typer.Typer(help="Make, show and check the topic of a log on Kafka.", no_args_is_help=True)


@app.command()
def create(
    *,
    partitions: Annotated[
        int | None,
        typer.Option(
            help="How many, control's included; fixed for ever.",
            envvar="TOUCHLINE_PARTITIONS",
            min=2,
            max=1024,
            show_default="16",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Make the topic, as it should be; one that is there is left as it is, and checked.

    Inboxes and the topic of decisions are made too where they are not there, kept for a week.
    """
    from services.log.kafka import topic
    from services.log.open import make_doors
    from services.settings import load

    settings = load(partitions=partitions)
    made = make_doors(settings.kafka, settings.doors, settings.partitions)
    for name in [] if json else made:
        typer.echo(f"Made: {name}.")
    if settings.doors and not settings.log_url:
        if json:
            print_json({"doors": made})
        return
    address = _address(settings)
    is_new = topic.create(address, settings.partitions)
    found = topic.checked(address)
    if json:
        print_json({"created": is_new, **asdict(found), "doors": made})
    else:
        typer.echo(f"{'Made' if is_new else 'It was there'}: {_sentence(found)}")


@app.command()
def check(*, json: Json = False) -> None:
    """Say what is wrong with the topic, and what to do; exit code 1 where something is."""
    from services.log.kafka import topic
    from services.settings import load

    address = _address(load())
    found = topic.described(address)
    wrong = list(topic.complaints(found, may_expire=address.may_expire))
    if json:
        print_json({"ok": not wrong, "wrong": wrong, **asdict(found)})
    else:
        typer.echo(_sentence(found))
        typer.echo("\n".join(wrong) or "Nothing is wrong with it.")
    if wrong:
        raise typer.Exit(1)


@app.command()
def show(*, data_dir: DataDir = None, json: Json = False) -> None:
    """Show where each partition ends, and how far the folds are behind."""
    from services.addresses import borrow
    from services.log.kafka import topic
    from services.log.open import open_log
    from services.settings import load
    from services.store.postgres import PostgresStore

    settings = load(data_dir=data_dir)
    found = topic.described(_address(settings))
    with (
        borrow(settings) as addresses,
        closing(PostgresStore(addresses.store.fold)) as store,
        closing(open_log(addresses.log)) as log,
    ):
        applied = store.checkpoints()
        ends = log.ends()
    rows: list[dict[str, object]] = [
        {"partition": partition, "end": end, "lag": end - applied.get(partition, 0)}
        for partition, end in ends.items()
    ]
    if json:
        print_json({**asdict(found), "ends": rows})
    else:
        typer.echo(_sentence(found))
        print_rows(rows, empty="It has no partitions.")


def _address(settings: "Settings") -> "Address":
    from services.errors import Misconfigured
    from services.log.kafka.address import parse
    from services.log.kafka.connection import quiet

    if not settings.log_url:
        raise Misconfigured(
            "TOUCHLINE_LOG_URL is empty: the log is a table of the store's database, and topics "
            "are of a log on Kafka (kafka://host:port)"
        )
    quiet()
    return parse(settings.log_url)


def _sentence(topic: "Topic") -> str:
    kept = "for ever" if topic.retention_ms < 0 and topic.retention_bytes < 0 else "for a time"
    return (
        f"{topic.name}: {topic.partitions} partitions, {topic.copies} replicas of each on "
        f"{topic.brokers} brokers, {topic.in_sync} in sync at least, {topic.least_in_sync} needed "
        f"to append; kept {kept}."
    )
