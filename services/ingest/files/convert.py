"""Convert: a row of a file into the JSON of an event, as a mapping says."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from babel.numbers import get_currency_precision

from schemas.problems import Problem
from services.ingest.files.mapping import Cell, Condition, Constant, Mapping, Row, Rule, When

YES: Final = frozenset("1 true yes y t on".split())
NO: Final = frozenset("0 false no n f off".split())
LARGEST: Final = Decimal(10) ** 18
_COLUMN: Final = re.compile(r"\{([^{}]+)\}")
_SORTED: Final = msgspec.json.Encoder(order="deterministic")


class Unreadable(Exception):
    """A row that can't become an event; caught where the next row is begun."""

    def __init__(self, field: str, value: object, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = Problem(field, value, problem, remedy)


def event_of(rows: Sequence[Row], mapping: Mapping, source: str) -> bytes | Problem:
    """The event that ``rows`` stand for, or why none; of ``source`` where its rule names none.

    Most often that is one row. Of a group, the first says what all of them have in common.
    """
    try:
        rule = _rule_for(rows[0], mapping)
        return msgspec.json.encode(_posted(rows, rule, source))
    except Unreadable as unreadable:
        return unreadable.problem


def as_json(rows: Sequence[Row]) -> bytes:
    """Rows as they are, for a dead letter; bytes that are no text are escaped, not lost."""
    return json.dumps(rows[0] if len(rows) == 1 else list(rows), sort_keys=True).encode()


def _rule_for(row: Row, mapping: Mapping) -> Rule:
    for rule in mapping.events:
        if all(_holds(condition, row) for condition in rule.when):
            return rule
    shown = ", ".join(f"{name}={value}" for name, value in list(row.items())[:3])
    raise Unreadable(
        "", shown, "is a row that no rule takes", "add a rule whose conditions it meets"
    )


def _holds(condition: Condition, row: Row) -> bool:
    value = row.get(condition.column, "")
    if condition.equals is not None:
        holds = value == condition.equals
    elif condition.one_of is not None:
        holds = value in condition.one_of
    elif condition.starts_with is not None:
        holds = value.startswith(condition.starts_with)
    else:
        holds = (value == "") is condition.is_empty
    return holds is not condition.negate


def _posted(rows: Sequence[Row], rule: Rule, default_source: str) -> dict[str, object]:
    row = rows[0]
    source = fill(rule.source, row) or default_source
    identifiers = [found for template in rule.identifiers if (found := fill(template, row))]
    posted: dict[str, object] = {
        "id": fill(rule.id, row) or _derived(rows, source),
        "source": source,
        "type": fill(rule.type, row) or "",
        "identifiers": identifiers,
        "data": _cells(rows, rule.data, "data") | _lines(rows, rule),
    }
    if rule.occurred_at is not None:
        posted["occurred_at"] = _instant(row, rule.occurred_at, "occurred_at")
    if personal := _cells(rows, rule.personal, "personal"):
        posted["personal"] = personal
    if cause := fill(rule.cause, row):
        posted["cause"] = cause
    return posted


def fill(template: str | None, row: Row) -> str | None:
    """``template`` with the cells that it names; None where one of them is empty."""
    if template is None:
        return None
    cells = {name: row.get(name, "") for name in _COLUMN.findall(template)}
    if "" in cells.values():
        return None
    return _COLUMN.sub(lambda match: cells[match[1]], template)


def _derived(rows: Sequence[Row], source: str) -> str:
    content = _SORTED.encode([source, *map(dict, rows)])
    return f"row-{blake2b(content, digest_size=16).hexdigest()}"


def _cells(rows: Sequence[Row], cells: dict[str, Cell], part: str) -> dict[str, object]:
    """Values by field, ``traits.age`` inside ``traits``; what is empty is left out."""
    values: dict[str, object] = {}
    for name, cell in cells.items():
        field = f"{part}.{name}"
        value = _sum(rows, cell, field) if cell.is_sum else _value(rows[0], cell, field)
        if value is not None:
            group, dot, inner = name.partition(".")
            if dot:
                nested = values.setdefault(group, {})
                if isinstance(nested, dict):
                    nested[inner] = value
            else:
                values[name] = value
    return values


def _lines(rows: Sequence[Row], rule: Rule) -> dict[str, object]:
    if not rule.lines:
        return {}
    return {"lines": [_cells((row,), rule.lines, f"data.lines.{n}") for n, row in enumerate(rows)]}


def _sum(rows: Sequence[Row], cell: Cell, field: str) -> Constant:
    each = cell.model_copy(update={"absolute": False})
    values = [_value(row, each, field) for row in rows]
    total = sum(value for value in values if isinstance(value, int | float))
    return abs(total) if cell.absolute else total


def _value(row: Row, cell: Cell, field: str) -> Constant | None:
    if cell.column is None:
        return cell.value
    text = row.get(cell.column, "")
    if text == "":
        return cell.default
    if cell.translate is not None:
        if text not in cell.translate:
            raise Unreadable(
                field, text, "is not among those that the mapping translates", "add it there"
            )
        return cell.translate[text]
    if cell.kind == "time":
        return _instant(row, When(column=cell.column, format=cell.format, zone=cell.zone), field)
    if cell.kind == "minor":
        return _minor(row, cell, text, field)
    return CONVERSIONS[cell.kind](text, cell, field)


def _text(text: str, _cell: Cell, _field: str) -> Constant:
    return text


def _integer(text: str, cell: Cell, field: str) -> Constant:
    number = _decimal(text, cell, field)
    if number != number.to_integral_value():
        raise Unreadable(field, text, "is no whole number", 'read it with as = "number"')
    return int(number)


def _number(text: str, cell: Cell, field: str) -> Constant:
    return float(_decimal(text, cell, field))


def _boolean(text: str, _cell: Cell, field: str) -> Constant:
    word = text.casefold()
    if word not in YES | NO:
        raise Unreadable(field, text, "is neither yes nor no", "translate it in the mapping")
    return word in YES


CONVERSIONS: Final[dict[str, Callable[[str, Cell, str], Constant]]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}


def _minor(row: Row, cell: Cell, text: str, field: str) -> int:
    """Whole minor units; sums of floating-point exports (13.600000000000001) are rounded."""
    currency = fill(cell.currency, row)
    if currency is None:
        raise Unreadable(field, text, "has no currency", "fill the column that names it")
    amount = _decimal(text, cell, field)
    if cell.times is not None:
        amount *= _decimal(row.get(cell.times, ""), cell, f"{field} ({cell.times})")
    return int(amount.scaleb(get_currency_precision(currency)).to_integral_value())


def _decimal(text: str, cell: Cell, field: str) -> Decimal:
    grouping = "," if cell.decimal == "." else "."
    plain = (
        text.replace(grouping, "").replace(cell.decimal, ".").replace("\u00a0", "").strip(" $€£")
    )
    try:
        number = Decimal(plain)
    except InvalidOperation:
        raise Unreadable(
            field, text, "is no number", "correct it, or the mapping's column"
        ) from None
    if not number.is_finite() or abs(number) > LARGEST:
        raise Unreadable(field, text, "is too large", "correct it")
    return abs(number) if cell.absolute else number


def _instant(row: Row, when: When, field: str) -> str | None:
    text = row.get(when.column, "")
    if text == "":
        raise Unreadable(field, text, "is empty", f"fill the column {when.column}")
    try:
        return _moment(text, when).astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        wanted = when.format or "ISO 8601, like 2026-11-21T10:00:00Z"
        raise Unreadable(
            field, text, f"is not written as {wanted}", "name its format in the mapping"
        ) from None


def _moment(text: str, when: When) -> datetime:
    if when.format == "epoch_s":
        return datetime.fromtimestamp(float(text), UTC)
    if when.format == "epoch_ms":
        return datetime.fromtimestamp(float(text) / 1000, UTC)
    if when.format is not None:
        moment = datetime.strptime(text, when.format)  # noqa: DTZ007 (its zone follows)
    else:
        moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(when.zone))
