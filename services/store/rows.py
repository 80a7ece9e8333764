"""How rows travel to PostgreSQL: by COPY, straight in where they are new, over a staging table where they may not be."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import Cursor, sql

Rows = Sequence[Sequence[Any]]
_ESCAPES: Final = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_ENCODE: Final = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True, slots=True)
class Table:
    """A table's columns with their types, the key first."""

    name: str
    columns: Mapping[str, str]
    keys: int = 1

    @property
    def key(self) -> Sequence[str]:
        """The columns that rows are found by."""
        return [*self.columns][: self.keys]

    def copy(self, name: str = "") -> sql.Composed:
        """Takes rows in, into this table or another of its shape."""
        return sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(name or self.name), _names(self.columns)
        )

    def stage(self) -> sql.Composed:
        """Makes the session's staging table; empty again after each transaction."""
        return sql.SQL("CREATE TEMP TABLE IF NOT EXISTS {} (LIKE {}) ON COMMIT DELETE ROWS").format(
            sql.Identifier(self.staging), sql.Identifier(self.name)
        )

    @property
    def staging(self) -> str:
        """The name of its staging table."""
        return f"stage_{self.name}"

    def upsert(self) -> sql.Composed:
        """Writes the staged rows, whole."""
        rest = [column for column in self.columns if column not in self.key]
        changes = [sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(column)) for column in rest]
        return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} ON CONFLICT ({}) DO {}").format(
            sql.Identifier(self.name),
            _names(self.columns),
            _names(self.columns),
            sql.Identifier(self.staging),
            _names(self.key),
            sql.SQL("UPDATE SET ") + sql.SQL(", ").join(changes) if changes else sql.SQL("NOTHING"),
        )


def copy_in(cursor: Cursor[Any], table: Table, rows: Rows, *, into: str = "") -> None:
    """Take ``rows`` in by one COPY; a row whose key is there already is an error."""
    if rows:
        with cursor.copy(table.copy(into)) as copy:
            copy.write(as_text(table, rows))


def upsert(cursor: Cursor[Any], table: Table, rows: Rows) -> None:
    """Write ``rows`` whole, whether they were there or not."""
    if rows:
        cursor.execute(table.stage())
        copy_in(cursor, table, rows, into=table.staging)
        cursor.execute(table.upsert())


def as_text(table: Table, rows: Rows) -> str:
    """``rows`` in COPY's text format; column by column, since a column's values are of one kind."""
    columns = [
        _FORMATS.get(type_, _numbers)(column)
        for type_, column in zip(table.columns.values(), zip(*rows, strict=True), strict=True)
    ]
    return "\n".join(map("\t".join, zip(*columns, strict=True))) + "\n"


def _names(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _numbers(column: Sequence[Any]) -> Iterable[str]:
    return map(str, column)


def _texts(column: Sequence[str | None]) -> Iterable[str]:
    return [r"\N" if value is None else value.translate(_ESCAPES) for value in column]


def _documents(column: Sequence[Any]) -> Iterable[str]:
    return [_ENCODE(value).decode().translate(_ESCAPES) for value in column]


def _times(column: Sequence[datetime | None]) -> Iterable[str]:
    return [r"\N" if value is None else value.isoformat() for value in column]


_FORMATS: Final[Mapping[str, Callable[[Any], Iterable[str]]]] = {
    "uuid": lambda column: column,
    "uuid[]": lambda column: ["{" + ",".join(value) + "}" for value in column],
    "text": _texts,
    "bytea": lambda column: [r"\\x" + value.hex() for value in column],
    "boolean": lambda column: ["t" if value else "f" for value in column],
    "timestamptz": _times,
    "jsonb": _documents,
}
