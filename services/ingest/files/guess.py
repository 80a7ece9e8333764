"""Guess: what a file's columns probably mean, for a first look and for plain files."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal

from schemas import TYPES
from services.ingest.files.mapping import Cell, Condition, Mapping, Row, Rule, When

KINDS: Final = {
    "user": (
        "user user_id userid customer customer_id customerid client_id account_id household_id "
        "member_id login"
    ),
    "email": "email e_mail email_address mail mail_address",
    "phone": "phone phone_number telephone mobile tel msisdn",
    "anonymous": "anonymous anonymous_id anonymousid device device_id cookie_id visitor_id",
    "card": "card card_id card_number loyalty_card",
}
"""Names of columns that identify a customer, by the kind of identifier."""
IDS: Final = "event_id message_id uuid id"
TIMES: Final = (
    "occurred_at timestamp event_time time datetime date_time created_at invoice_date order_date "
    "purchase_date transaction_timestamp date day"
)
TYPES_OF: Final = "type event_type event kind"
SOURCES: Final = "source system"
ORDERS: Final = "order_id order order_number invoice_no invoice invoice_id basket_id transaction_id"
AMOUNTS: Final = "amount total order_total amount_paid sales_value dollar_value revenue"
CURRENCIES: Final = "currency currency_code"
PURCHASES: Final = ("purchase", "order", "sale", "transaction", "buy", "purchase.completed")
REFUNDS: Final = ("refund", "return", "purchase.refunded")
PERSONAL: Final = (
    "name first_name last_name company job_title birthday gender language street postal_code city "
    "region country subject text comment"
).split()

LOOKS: Final[dict[Literal["text", "integer", "number", "boolean"], re.Pattern[str]]] = {
    "integer": re.compile(r"-?(0|[1-9]\d{0,17})"),
    "number": re.compile(r"-?(0|[1-9]\d*)(\.\d+)?"),
    "boolean": re.compile(r"true|false", re.IGNORECASE),
}


class Columns:
    """A file's columns, found by the words of their names, whatever their case and punctuation."""

    def __init__(self, names: Sequence[str]) -> None:
        self._by_word = {word_of(name.rpartition(".")[2]): name for name in reversed(names)}
        self._by_word |= {word_of(name): name for name in reversed(names)}
        self.names = names

    def first(self, words: str) -> str | None:
        """The column whose name is the earliest of ``words``."""
        return next((self._by_word[word] for word in words.split() if word in self._by_word), None)


def word_of(name: str) -> str:
    """``InvoiceNo``, ``Invoice No`` and ``invoice-no`` are all ``invoice_no``."""
    word = ""
    for before, character in zip(" " + name, name, strict=False):
        starts = character.isupper() and before.islower()
        word += ("_" if starts else "") + (character.lower() if character.isalnum() else "_")
    return word.strip("_")


def guess(rows: Iterable[Row], *, name: str, currency: str) -> Mapping:
    """The mapping that a file's first ``rows`` suggest.

    Rows with an order and an amount are purchases, or refunds where they say so or the amount is
    negative; rows that name a type of ours are of that type; others are ``custom.<kind>``, or
    ``custom.<name>``. ``currency`` is that of amounts without one.
    """
    known = list(rows)
    columns = Columns(list(dict.fromkeys(column for row in known for column in row)))
    identifiers = tuple(
        f"{kind}:{{{column}}}" for kind, words in KINDS.items() if (column := columns.first(words))
    )
    at, personal = columns.first(TIMES), {word: columns.first(word) for word in PERSONAL}
    surroundings = {
        "identifiers": identifiers or NOBODY,
        "id": _template(columns.first(IDS)),
        "source": _template(columns.first(SOURCES)),
        "occurred_at": When(column=at) if at else None,
        "personal": {word: Cell(column=column) for word, column in personal.items() if column},
    }
    rules = _rules(columns, known, name, currency)
    return Mapping(events=tuple(rule.model_copy(update=surroundings) for rule in rules))


def _rules(columns: Columns, rows: Sequence[Row], name: str, currency: str) -> list[Rule]:
    kind = columns.first(TYPES_OF)
    kinds = {row.get(kind, "") for row in rows} if kind else set()
    # What calls itself a purchase is one order, even without a number of its own.
    order = columns.first(ORDERS) or (columns.first(IDS) if kind else None)
    amount = columns.first(AMOUNTS)
    if kind and kinds <= {*TYPES, ""}:
        return [_other(columns, rows, f"{{{kind}}}")]
    if not order or not amount:
        return [_other(columns, rows, f"custom.{{{kind}}}" if kind else f"custom.{_lower(name)}")]
    bought, refunded = _money(columns, order, amount, currency)
    if not kind:
        return [refunded(Condition(column=amount, starts_with="-")), bought()]
    return [
        refunded(Condition(column=kind, one_of=REFUNDS)),
        bought(Condition(column=kind, one_of=PURCHASES)),
        _other(columns, rows, f"custom.{{{kind}}}"),
    ]


def _money(
    columns: Columns, order: str, amount: str, currency: str
) -> tuple[Callable[..., Rule], Callable[..., Rule]]:
    code = columns.first(CURRENCIES)
    paid = Cell(column=amount, kind="minor", currency=_template(code) or currency)
    data = {
        "order_id": Cell(column=order),
        "amount_minor": paid,
        "currency": Cell(column=code, default=currency) if code else Cell(value=currency),
    }
    given_back = data | {"amount_minor": paid.model_copy(update={"absolute": True})}

    def bought(*when: Condition) -> Rule:
        return Rule(when=when, type="purchase.completed", identifiers=NOBODY, data=data)

    def refunded(*when: Condition) -> Rule:
        return Rule(when=when, type="purchase.refunded", identifiers=NOBODY, data=given_back)

    return bought, refunded


def _other(columns: Columns, rows: Sequence[Row], kind: str) -> Rule:
    return Rule(type=kind, identifiers=NOBODY, data=_rest(columns, rows))


def _lower(name: str) -> str:
    return "".join(it if it.isalnum() else "_" for it in name.lower()).strip("_") or "row"


def _rest(columns: Columns, rows: Sequence[Row]) -> dict[str, Cell]:
    words = " ".join((*KINDS.values(), IDS, TIMES, TYPES_OF, SOURCES, *PERSONAL)).split()
    taken = {columns.first(word) for word in words}
    return {
        word_of(name.rpartition(".")[2]): Cell(
            column=name, kind=_kind([row.get(name, "") for row in rows])
        )
        for name in columns.names
        if name not in taken
    }


def _kind(cells: Sequence[str]) -> Literal["text", "integer", "number", "boolean"]:
    """What all ``cells`` that are not empty look like; 00042 is a code and stays text."""
    filled = [cell for cell in cells if cell]
    for kind, looks_so in LOOKS.items():
        if filled and all(map(looks_so.fullmatch, filled)):
            return kind
    return "text"


def _template(column: str | None) -> str | None:
    return f"{{{column}}}" if column else None


NOBODY: Final = ("user:",)
"""A file without a column that names anybody: all its rows are refused, as a dry run shows."""
