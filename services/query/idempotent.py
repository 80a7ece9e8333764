"""Idempotent: the header under which a request is done once, however often it is sent."""

from typing import Annotated

from fastapi import Header

from services.commands.once import HEADER, Asked
from services.query.desk import Caller

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias=HEADER,
        description="A UUID of your own, and the same one whenever you send this again: it is done "
        "once, and the answer is the same. Another request under it is refused.",
        examples=["5f0e1a52-6f7b-4a53-9a3a-0b7c2f1f8f1e"],
    ),
]


def asked(caller: Caller, key: str | None) -> Asked:
    """Who asks; raises ``Refused`` for what can be no key."""
    return Asked(caller.workspace, f"key:{caller.key.key_id}", key)
