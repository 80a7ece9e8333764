"""The archive's SQL: one statement a file in ``sql/``, each named as its file."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, Final

from clickhouse_connect.driver.client import Client

_FOLDER: Final = Path(__file__).with_name("sql")


@cache
def statement(name: str) -> str:
    """The text of ``sql/<name>.sql``."""
    return (_FOLDER / f"{name}.sql").read_text().strip()


def filled(name: str, **clauses: str) -> str:
    """``statement`` with our own clauses where ClickHouse takes no parameters: ``$name``."""
    return Template(statement(name)).substitute(clauses)


def rows(
    client: Client,
    name: str,
    parameters: dict[str, Any] | None = None,
    *,
    settings: dict[str, Any] | None = None,
) -> Sequence[Any]:
    """What the statement ``name`` gives; raises what clickhouse-connect raises."""
    result = client.query(
        statement(name),
        parameters,
        settings,
        column_formats={"data": "bytes", "ciphertext": "bytes"},
    )
    return result.result_rows
