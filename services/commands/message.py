"""The message: what a target is sent, as JSON; the same however often it is sent."""

from datetime import datetime
from typing import Any, Final

import msgspec

TEST: Final = "touchline.test"
"""The type of a message that only tries a target out; no event has it."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """As the stream of decisions tells it, with what Standard Webhooks asks of a payload."""

    id: str
    """The event's: the same whenever it is sent again."""
    type: str
    timestamp: datetime
    """When it was recorded."""
    workspace: str
    occurred_at: datetime
    recorded_at: datetime
    customer_id: str | None = None
    cause: str | None = None
    """The id of the event that led to it."""
    data: msgspec.Raw | dict[str, Any]


def encode(message: Message) -> bytes:
    """What is signed and sent."""
    return _ENCODER.encode(message)


def decode(body: bytes) -> Message:
    """What ``encode`` wrote."""
    return _DECODER.decode(body)


def trial(id_: str, workspace: str, at: datetime) -> Message:
    """A message that says it is a trial."""
    said = "Touchline reaches this target."
    return Message(
        id=id_,
        type=TEST,
        timestamp=at,
        workspace=workspace,
        occurred_at=at,
        recorded_at=at,
        data={"text": said},
    )


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Message)
