"""Bad input: for everything a sender can do wrong, the status and the exact answer."""

import gzip
import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import httpx
import pytest

from tests.integration.door import Served, serving

SEE: Final = "GET /v1/schemas/purchase.completed describes it"
SEE_CUSTOM: Final = "GET /v1/schemas/custom.seen describes it"
NAME_SOMEBODY: Final = "send at least one, like user:42 or email:ada@example.org"
SEND_JSON: Final = "send one JSON object, encoded in UTF-8"
IN_UNITS: Final = "send it without quotes and decimal point; money goes in minor units, like cents"
USE_COMMAND: Final = "use the command or the page that does it"
OURS: Final = "name the system that saw it; what a browser key sends is marked by us"


class Wrong(NamedTuple):
    """An event, and what must be said about it."""

    about: str
    event: bytes | dict[str, Any] | list[Any] | int
    field: str
    value: object
    problem: str
    remedy: str
    id: str | None = "e-1"
    status: int = 422


def bought(**changes: Any) -> dict[str, Any]:
    """A good purchase but for ``changes`` in its envelope."""
    data = {"order_id": "1", "amount_minor": 1250, "currency": "EUR"}
    event = {"id": "e-1", "type": "purchase.completed", "identifiers": ["user:42"], "data": data}
    return {name: value for name, value in (event | changes).items() if value is not ...}


def paid(**changes: Any) -> dict[str, Any]:
    """A good purchase but for ``changes`` in its data."""
    event = bought()
    data = {name: value for name, value in (event["data"] | changes).items() if value is not ...}
    return event | {"data": data}


def seen(value: bytes) -> bytes:
    """A custom event whose data hold ``value`` as it stands."""
    return (
        b'{"id":"e-1","type":"custom.seen","identifiers":["user:42"],"data":{"a":' + value + b"}}"
    )


def body(event: object) -> bytes:
    return event if isinstance(event, bytes) else json.dumps(event).encode()
