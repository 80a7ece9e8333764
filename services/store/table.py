"""Tables: their columns, and the statements that read and write whole rows of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import LiteralString

from psycopg import sql


@dataclass(frozen=True)
class Table:
    """A table's columns with their types, those of the key first; the only list of them.

    Its statements are made once: composing them anew costs a small batch a fifth of its time.
    """

    name: str
    columns: Mapping[str, str]
    keys: int = 1
    """How many columns a row is found by; 0 where rows stay in the order in which they came."""

    def select(self, where: LiteralString) -> str:
        """Reads whole rows, uuids as 32 hex digits."""
        shown = [
            sql.SQL("encode(uuid_send({}), 'hex')" if type_ in {"uuid", "uuid?"} else "{}").format(
                sql.Identifier(column)
            )
            for column, type_ in self.columns.items()
        ]
        query = sql.SQL("SELECT {} FROM {} {}").format(
            sql.SQL(", ").join(shown), sql.Identifier(self.name), sql.SQL(where)
        )
        return query.as_string()

    @cached_property
    def copy(self) -> str:
        """Takes new rows in."""
        return self._copy(self.name)

    @cached_property
    def copy_to_stage(self) -> str:
        """Takes rows into the staging table."""
        return self._copy(self._stage)

    @cached_property
    def make_stage(self) -> str:
        """Makes the session's staging table; empty again after each transaction."""
        query = sql.SQL(
            "CREATE TEMP TABLE IF NOT EXISTS {} (LIKE {} INCLUDING STORAGE) ON COMMIT DELETE ROWS"
        )
        return query.format(sql.Identifier(self._stage), sql.Identifier(self.name)).as_string()

    @cached_property
    def upsert_staged(self) -> str:
        """Writes the staged rows, whole."""
        query = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} {}").format(
            sql.Identifier(self.name),
            _names(self.columns),
            _names(self.columns),
            sql.Identifier(self._stage),
            self._or_change,
        )
        return query.as_string()

    @cached_property
    def insert(self) -> str:
        """Takes new rows in, given as an array of each column."""
        return self._insert.as_string()

    @cached_property
    def insert_new(self) -> str:
        """Takes those in that are not there, and says by their first column which these are."""
        query = sql.SQL("{} ON CONFLICT DO NOTHING RETURNING {}")
        return query.format(self._insert, sql.Identifier(next(iter(self.columns)))).as_string()

    @cached_property
    def upsert(self) -> str:
        """Writes rows that are given so, whole."""
        return sql.SQL("{} {}").format(self._insert, self._or_change).as_string()

    @property
    def has_arrays(self) -> bool:
        """Whether a row has an array, of which PostgreSQL has no array of arrays."""
        return any(type_.endswith("[]") for type_ in self.columns.values())

    @property
    def _insert(self) -> sql.Composed:
        arrays = [
            sql.SQL("%s::{}[]").format(sql.SQL(type_.rstrip("?")))
            for type_ in self.columns.values()
        ]
        return sql.SQL("INSERT INTO {} ({}) SELECT * FROM unnest({})").format(
            sql.Identifier(self.name), _names(self.columns), sql.SQL(", ").join(arrays)
        )

    @property
    def _or_change(self) -> sql.Composed:
        key, rest = [*self.columns][: self.keys], [*self.columns][self.keys :]
        changes = [sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(column)) for column in rest]
        return sql.SQL("ON CONFLICT ({}) DO {}").format(
            _names(key),
            sql.SQL("UPDATE SET ") + sql.SQL(", ").join(changes) if changes else sql.SQL("NOTHING"),
        )

    @property
    def _stage(self) -> str:
        return f"stage_{self.name}"

    def _copy(self, name: str) -> str:
        query = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)")
        return query.format(sql.Identifier(name), _names(self.columns)).as_string()


def _names(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
