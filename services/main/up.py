"""``touchline up``: the whole platform in one place."""

from typing import Annotated

import typer

from services.main.options import DataDir


def up(
    *,
    data_dir: DataDir = None,
    host: Annotated[
        str | None,
        typer.Option(
            help="Address to listen on.", envvar="TOUCHLINE_HOST", show_default="127.0.0.1"
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            help="Port to listen on; 0 is any.", envvar="TOUCHLINE_PORT", show_default="8080"
        ),
    ] = None,
    sample: Annotated[
        str,
        typer.Option(
            help="Load this sample once all is ready; see: touchline sample.",
            metavar="NAME",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Run the whole platform: ingest, projections, scoring, query, pages.

    Everything is embedded, in the data directory, unless TOUCHLINE_LOG_URL, TOUCHLINE_STORE_URL or
    TOUCHLINE_ARCHIVE_URL name a server. In development the first start makes the workspace
    "default" and prints its keys, once. Ctrl-C or SIGTERM ends it, losing nothing.
    """
    from services.settings import load
    from services.up import up as run

    run(load(data_dir=data_dir, host=host, port=port), sample=sample)
