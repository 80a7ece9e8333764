"""Events that must be rejected, each with the exact answer that its sender gets."""

import json
from typing import Any, Final, NamedTuple


class Wrong(NamedTuple):
    """An event, and what must be said about it."""

    about: str
    event: object
    field: str
    value: object
    problem: str
    remedy: str
    id: str | None = "e-1"
    status: int = 422

    def answer(self, index: int) -> dict[str, object]:
        """Its entry among ``rejected``, ``index`` being its place in the request."""
        told = {"field": self.field, "value": self.value, "problem": self.problem}
        return {"index": index, "id": self.id, **told, "remedy": self.remedy}


def body(event: object) -> bytes:
    """``event`` as sent; bytes stand for themselves."""
    return event if isinstance(event, bytes) else json.dumps(event).encode()


def bought(**changes: object) -> dict[str, Any]:
    """A good purchase but for ``changes`` in its envelope; ``...`` leaves a field out."""
    data = {"order_id": "1", "amount_minor": 1250, "currency": "EUR"}
    event = {"id": "e-1", "type": "purchase.completed", "identifiers": ["user:42"], "data": data}
    return {name: value for name, value in (event | changes).items() if value is not ...}


def paid(**changes: object) -> dict[str, Any]:
    """A good purchase but for ``changes`` in its data."""
    data = bought()["data"] | changes
    return bought(data={name: value for name, value in data.items() if value is not ...})


def seen(value: bytes) -> bytes:
    """A custom event whose data hold ``value`` as it stands."""
    start = b'{"id":"e-1","type":"custom.seen","identifiers":["user:42"],"data":{"a":'
    return start + value + b"}}"


def _start(raw: bytes) -> str:
    text = raw.decode(errors="replace")
    return text if len(text) <= 80 else text[:80] + "…"


_SEE: Final = "GET /v1/schemas/purchase.completed describes it"
_SEE_CUSTOM: Final = "GET /v1/schemas/custom.seen describes it"
_WHO: Final = "say who purchase.completed was about, like user:42 or email:ada@example.org"
_NAME: Final = "send at least one, like user:42 or email:ada@example.org"
_JSON: Final = "send one JSON object, encoded in UTF-8"
_UNITS: Final = "send it without quotes and decimal point; money goes in minor units, like cents"
_CLOCK: Final = "set the sender's clock, or send it once it has happened"
_COMMAND: Final = "use the command or the page that does it"
_SOURCE: Final = "name the system that saw it; what a browser key sends is marked by us"
_NO_TIME: Final = "is not an RFC 3339 time with a zone, such as 2026-11-21T10:00:00Z"
_FUTURE: Final = "is more than 10 minutes after our clock, 2026-11-22T12:00:00Z"
_CONTROL: Final = "is recorded by Touchline itself, never by a key"
_BITS: Final = "has a number that 64 bits can't hold: send it as text"
_MANY: Final = "List should have at most 20 items after validation, not 500"
_FIVE_HUNDRED: Final = [f"user:{number}" for number in range(500)]
_EIGHT: Final = ", ".join(f'"user:{number}"' for number in range(8))
_DEEP: Final = b'{"a":' * 10_000 + b"1" + b"}" * 10_000

# fmt: off
WRONG: Final = [
    Wrong("an id that is a number", bought(id=7),
          "id", 7, "is not text", "send it in quotes", id=None),
    Wrong("no id", bought(id=...),
          "id", None, "is missing", f"add it; {_SEE}", id=None),
    Wrong("a type nobody knows", bought(type="purchase.compleeted"),
          "type", "purchase.compleeted", "is no known event type",
          "did you mean purchase.completed, task.completed, purchase.cancelled? "
          "GET /v1/schemas lists all types; one of your own is custom.<name>"),
    Wrong("a version nobody knows", bought(version=9),
          "version", 9, "is no known version of purchase.completed",
          "send version 1, or leave it out"),
    Wrong("a missing field", paid(currency=...),
          "data.currency", None, "is missing", f"add it; {_SEE}"),
    Wrong("an extra field", paid(colour="red"),
          "data.colour", "red", "is no field of purchase.completed",
          f"remove it, or move it to personal if it names a person; {_SEE}"),
    Wrong("a name outside of personal", paid(name="Ada"),
          "data.name", "Ada", "is no field of purchase.completed",
          "move it to personal.name, where it is sealed"),
    Wrong("a time without a zone", bought(occurred_at="2026-11-21T10:00:00"),
          "occurred_at", "2026-11-21T10:00:00", _NO_TIME, _SEE),
    Wrong("seconds in quotes as a time", bought(occurred_at="1763719200"),
          "occurred_at", "1763719200", _NO_TIME, _SEE),
    Wrong("the far future", bought(occurred_at="2999-01-01T00:00:00Z"),
          "occurred_at", "2999-01-01T00:00:00Z", _FUTURE, _CLOCK),
    Wrong("eleven minutes ahead", bought(occurred_at="2026-11-22T12:11:00Z"),
          "occurred_at", "2026-11-22T12:11:00Z", _FUTURE, _CLOCK),
    Wrong("a time before 1970", bought(occurred_at="1969-12-31T23:59:59Z"),
          "occurred_at", "1969-12-31T23:59:59Z", "is before 1970",
          "send when it happened, in RFC 3339"),
    Wrong("negative money", paid(amount_minor=-1),
          "data.amount_minor", -1, "should be greater than or equal to 0", _SEE),
    Wrong("money in quotes", paid(amount_minor="5"),
          "data.amount_minor", "5", "is not a whole number", _UNITS),
    Wrong("money with a fraction", paid(amount_minor=5.5),
          "data.amount_minor", 5.5, "is not a whole number", _UNITS),
    Wrong("an amount of 2^63", paid(amount_minor=2**63),
          "data.amount_minor", "9.223e+18", "should be less than or equal to 1000000000000",
          _SEE),
    Wrong("2^63 in custom data", seen(b"9223372036854775808"),
          "data", '{"a": 9223372036854775808}', _BITS, _SEE_CUSTOM),
    Wrong("a currency that does not exist", paid(currency="EUX"),
          "data.currency", "EUX", "is not an ISO 4217 currency code", _SEE),
    Wrong("NaN", seen(b"NaN"),
          "", _start(seen(b"NaN")), "is not JSON: expected value at line 1 column 72", _JSON),
    Wrong("an infinity", seen(b"-Infinity"),
          "", _start(seen(b"-Infinity")), "is not JSON: invalid number at line 1 column 73", _JSON),
    Wrong("a number that overflows", seen(b"1e999"),
          "data", '{"a": Infinity}', _BITS, _SEE_CUSTOM),
    Wrong("half a surrogate pair", seen(b'"\\ud800"'),
          "", _start(seen(b'"\\ud800"')),
          "is not JSON: unexpected end of hex escape at line 1 column 79", _JSON),
    Wrong("a NUL in a text", bought(personal={"name": "A\0da"}),
          "personal.name", None, "has the character U+0000", "remove it from the text"),
    Wrong("bytes that are no UTF-8", seen(b'"\xff"'),
          "", _start(seen(b'"\xff"')),
          "is not JSON: invalid unicode code point at line 1 column 73", _JSON),
    Wrong("nesting 10 000 deep", seen(_DEEP),
          "", _start(seen(_DEEP)),
          "is not JSON: recursion limit exceeded at line 1 column 1067", _JSON, id=None),
    Wrong("an event of 2 MB", bought(personal={"text": "x" * 2_000_000}),
          "", None, "has 2000165 bytes; an event may have 1000000",
          "send long texts in parts, or leave them out"),
    Wrong("no identifiers", bought(identifiers=...),
          "identifiers", None, "is missing", _WHO),
    Wrong("nobody among the identifiers", bought(identifiers=[]),
          "identifiers", None, "is missing", _WHO),
    Wrong("500 identifiers", bought(identifiers=_FIVE_HUNDRED),
          "identifiers", f"[{_EIGHT},…", _MANY, "send several events"),
    Wrong("only blocked identifiers", bought(identifiers=["user:null", "email:N/A"]),
          "identifiers", ["user:null", "email:N/A"], "holds only values that name nobody", _NAME),
    Wrong("an identifier without a kind", bought(identifiers=["user:42", "43"]),
          "identifiers.1", "43", "is not kind:value",
          "write it like user:42 or email:ada@example.org"),
    Wrong("a phone number that is none", bought(identifiers=["phone:call me"]),
          "identifiers.0", "phone:call me", "is not a phone number in region DE",
          "write it in E.164, like +442079460018"),
    Wrong("a source of ours", bought(source="touchline/relay"),
          "source", "touchline/relay", "is reserved for Touchline", _SOURCE),
    Wrong("the source of another's browser", bought(source="browser/k_browser/shop"),
          "source", "browser/k_browser/shop", "is reserved for Touchline", _SOURCE),
    Wrong("a control event", bought(type="points.adjusted"),
          "type", "points.adjusted", _CONTROL, _COMMAND, status=403),
    Wrong("a list instead of an event", [1],
          "", "[1]", "is not an object", "GET /v1/schemas/{type} describes it", id=None),
]
# fmt: on
