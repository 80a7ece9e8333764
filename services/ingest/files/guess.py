"""Guess: what a file's columns probably mean, for a first look and for files that say it plainly."""

from collections.abc import Iterable, Sequence
from typing import Final

from schemas import TYPES
from services.ingest.files.mapping import Cell, Mapping, Row, Rule, When

KINDS: Final = {
    "user": "user user_id userid customer customer_id customerid client_id account_id household_id member_id login",
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
PERSONAL: Final = (
    "name first_name last_name company job_title birthday gender language street postal_code city "
    "region country subject text comment"
).split()


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

    Rows with an order and an amount are purchases, rows that name a type of ours are of that type, others
    are ``custom.<name>``. ``currency`` is that of amounts without one.
    """
    known = list(rows)
    columns = Columns(list(dict.fromkeys(column for row in known for column in row)))
    rule = _purchase(columns, currency) or _typed(columns, known) or _custom(columns, name)
    identifiers = tuple(
        f"{kind}:{{{column}}}" for kind, words in KINDS.items() if (column := columns.first(words))
    )
    at, personal = columns.first(TIMES), {word: columns.first(word) for word in PERSONAL}
    described = rule.model_copy(
        update={
            "identifiers": identifiers or rule.identifiers,
            "id": _template(columns.first(IDS)),
            "source": _template(columns.first(SOURCES)),
            "occurred_at": When(column=at) if at else None,
            "personal": {word: Cell(column=column) for word, column in personal.items() if column},
        }
    )
    return Mapping(events=(described,))


def _purchase(columns: Columns, currency: str) -> Rule | None:
    order, amount = columns.first(ORDERS), columns.first(AMOUNTS)
    if order is None or amount is None:
        return None
    code = columns.first(CURRENCIES)
    data = {
        "order_id": Cell(column=order),
        "amount_minor": Cell(column=amount, kind="minor", currency=_template(code) or currency),
        "currency": Cell(column=code) if code else Cell(value=currency),
    }
    return Rule(type="purchase.completed", identifiers=NOBODY, data=data)


def _typed(columns: Columns, rows: Sequence[Row]) -> Rule | None:
    column = columns.first(TYPES_OF)
    if column is None or not {row.get(column, "") for row in rows} <= {*TYPES, ""}:
        return None
    return Rule(type=f"{{{column}}}", identifiers=NOBODY, data=_rest(columns))


def _custom(columns: Columns, name: str) -> Rule:
    kind = "".join(character if character.isalnum() else "_" for character in name.lower()).strip("_")
    return Rule(type=f"custom.{kind or 'row'}", identifiers=NOBODY, data=_rest(columns))


def _rest(columns: Columns) -> dict[str, Cell]:
    words = " ".join((*KINDS.values(), IDS, TIMES, TYPES_OF, SOURCES, *PERSONAL)).split()
    taken = {columns.first(word) for word in words}
    return {word_of(name.rpartition(".")[2]): Cell(column=name) for name in columns.names if name not in taken}


def _template(column: str | None) -> str | None:
    return f"{{{column}}}" if column else None


NOBODY: Final = ("user:",)
"""A file without a column that names anybody: each of its rows is refused, which a dry run shows."""
