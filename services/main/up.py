"""``touchline up``: the whole platform in one place."""

from typing import Annotated

import typer

from services.main.options import DataDir, Host, Port


def up(
    *,
    data_dir: DataDir = None,
    host: Host = None,
    port: Port = None,
    sample: Annotated[
        str,
        typer.Option(
            help="Load this sample once all is ready; see: touchline sample.",
            metavar="NAME",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Run the whole platform: ingest, projections, archive, query, pages.

    Everything is embedded, in the data directory, unless TOUCHLINE_STORE_URL or
    TOUCHLINE_ARCHIVE_URL name a server. In development the first start makes the workspace
    "default" and prints its keys, once. Ctrl-C or SIGTERM ends it, losing nothing.
    """
    from services.ingest.samples.catalogue import find
    from services.settings import load
    from services.up import up as run

    if sample:
        find(sample)
    run(load(data_dir=data_dir, host=host, port=port), sample=sample)
