"""Examples of the OpenAPI page: bodies that can be sent as they stand, and every answer."""

from typing import Any, Final

from services.edge.headers import POSITION

PURCHASE: Final[dict[str, Any]] = {
    "id": "o-1001",
    "source": "shop",
    "type": "purchase.completed",
    "occurred_at": "2026-11-21T10:00:00Z",
    "identifiers": ["user:42", "email:ada@example.org"],
    "personal": {"name": "Ada"},
    "data": {
        "order_id": "1001",
        "amount_minor": 1250,
        "currency": "EUR",
        "lines": [{"sku": "A1", "quantity": 1, "amount_minor": 1250}],
    },
}
CALL: Final[dict[str, Any]] = {
    "id": "call-77",
    "source": "telephony",
    "type": "call.ended",
    "identifiers": ["phone:+442079460018"],
    "data": {"direction": "inbound", "duration_s": 184},
}
LINES: Final = (
    '{"id": "v-1", "type": "custom.shelf_seen", "identifiers": ["user:42"], "data": {"shelf": 7}}\n'
    '{"id": "v-2", "type": "custom.shelf_seen", "identifiers": ["user:43"], "data": {"shelf": 7}}\n'
)

_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["problem", "field", "value", "remedy"],
    "properties": {
        "problem": {"type": "string", "description": "what is wrong"},
        "field": {"type": "string", "description": "where, like data.lines.0.sku"},
        "value": {"description": "what was sent there, shortened"},
        "remedy": {"type": "string", "description": "what to do about it"},
    },
}
_ABOUT_EVENT: Final = {
    "type": "object",
    "required": ["index", "id", *_PROBLEM["required"]],
    "properties": {
        "index": {"type": "integer", "description": "place in the request, from 0"},
        "id": {"type": ["string", "null"], "description": "the event's, where it could be read"},
        **_PROBLEM["properties"],
    },
}
_RECEIVED: Final = {
    "type": "object",
    "required": ["accepted", "position", "rejected", "warnings"],
    "properties": {
        "accepted": {"type": "integer", "description": "events that are durable now"},
        "position": {
            "type": "string",
            "description": "opaque; send it as Touchline-Wait-For to read what was written",
        },
        "rejected": {"type": "array", "items": _ABOUT_EVENT},
        "warnings": {"type": "array", "items": _ABOUT_EVENT},
    },
}
_EVENT: Final = {
    "type": "object",
    "required": ["id", "type", "identifiers"],
    "description": "GET /v1/schemas/{type} has the schema of each type",
    "properties": {
        "id": {"type": "string"},
        "source": {"type": "string", "default": "api"},
        "type": {"type": "string"},
        "version": {"type": "integer"},
        "occurred_at": {"type": "string", "format": "date-time"},
        "identifiers": {"type": "array", "items": {"type": "string"}, "maxItems": 20},
        "personal": {"type": "object"},
        "data": {"type": "object"},
        "cause": {"type": "string"},
    },
}

EVENT_BODY: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"oneOf": [_EVENT, {"type": "array", "items": _EVENT}]},
            "examples": {
                "one": {"summary": "One event", "value": PURCHASE},
                "several": {"summary": "Several events", "value": [PURCHASE, CALL]},
            },
        },
        "application/x-ndjson": {
            "schema": {"type": "string"},
            "examples": {"lines": {"summary": "One event a line", "value": LINES}},
        },
    },
}


def _documented(description: str, schema: dict[str, Any], *headers: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": schema}},
        "headers": {name: {"schema": {"type": "string"}} for name in headers},
    }


_AGAIN: Final = "Retry-After"
EVENT_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: _documented("All events are durable.", _RECEIVED, POSITION),
    207: _documented("Some events are durable, the others say why not.", _RECEIVED, POSITION),
    400: _documented("The body is no JSON.", _PROBLEM),
    401: _documented("No key, or one that is not known.", _PROBLEM, "WWW-Authenticate"),
    403: _documented("No key may post events of this type.", _PROBLEM),
    408: _documented("The body did not arrive in time.", _PROBLEM),
    413: _documented("More than 5 MB or 1000 events.", _PROBLEM),
    415: _documented("Content-Encoding is neither identity nor gzip.", _PROBLEM),
    422: _documented("No event could be accepted; each says why.", _RECEIVED, POSITION),
    429: _documented("Too many requests with this key.", _PROBLEM, _AGAIN),
    503: _documented("Storage is away: send the same again.", _PROBLEM, _AGAIN),
}
