"""Options that many commands share."""

from pathlib import Path
from typing import Annotated

import typer

DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Where the embedded platform keeps everything.",
        envvar="TOUCHLINE_DATA_DIR",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value, for scripts.")]
Host = Annotated[
    str | None,
    typer.Option(help="Address to listen on.", envvar="TOUCHLINE_HOST", show_default="127.0.0.1"),
]
Port = Annotated[
    int | None,
    typer.Option(
        help="Port to listen on; 0 is any that is free.",
        envvar="TOUCHLINE_PORT",
        show_default="8080",
    ),
]
Workspace = Annotated[str, typer.Option(help="The workspace that it is about.")]
