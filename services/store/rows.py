"""How rows travel to PostgreSQL: COPY where they are new, one statement over arrays where they may not be."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import Cursor, sql

_ESCAPES: Final = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


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

    def copy(self) -> sql.Composed:
        """Takes rows in; another row of the same key is an error."""
        return sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(self.name), self._names(self.columns))

    def upsert(self) -> sql.Composed:
        """Writes rows given as one array a column, whole."""
        rest = [column for column in self.columns if column not in self.key]
        return sql.SQL("INSERT INTO {} ({}) SELECT * FROM unnest({}) ON CONFLICT ({}) DO UPDATE SET {}").format(
            sql.Identifier(self.name),
            self._names(self.columns),
            sql.SQL(", ").join(sql.SQL("%s::" + type_ + "[]") for type_ in self.columns.values()),
            self._names(self.key),
            sql.SQL(", ").join(
                sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(column)) for column in rest
            ),
        )

    @staticmethod
    def _names(columns: Iterable[str]) -> sql.Composed:
        return sql.SQL(", ").join(map(sql.Identifier, columns))


def copy_in(cursor: Cursor[Any], table: Table, rows: Iterable[Sequence[object]]) -> None:
    """Take ``rows`` in by one COPY."""
    lines = "\n".join("\t".join([_text(value) for value in row]) for row in rows)
    if lines:
        with cursor.copy(table.copy()) as copy:
            copy.write(lines + "\n")


def upsert(cursor: Cursor[Any], table: Table, rows: Sequence[Sequence[object]]) -> None:
    """Write ``rows`` whole, whether they were there or not."""
    if rows:
        cursor.execute(table.upsert(), [[_value(value) for value in column] for column in zip(*rows, strict=True)])


def _value(value: object) -> object:
    return msgspec.json.encode(value, order="sorted").decode() if isinstance(value, dict) else value


def _text(value: object) -> str:
    return _FORMATS.get(type(value), str)(value)


_FORMATS: Final[Mapping[type, Callable[[Any], str]]] = {
    type(None): lambda _: r"\N",
    str: lambda value: value.translate(_ESCAPES),
    bytes: lambda value: r"\\x" + value.hex(),
    bool: lambda value: "t" if value else "f",
    datetime: datetime.isoformat,
    dict: lambda value: msgspec.json.encode(value, order="sorted").decode().translate(_ESCAPES),
    tuple: lambda value: "{" + ",".join(value) + "}",
}
