"""Policies as the store has them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple


class Policy(NamedTuple):
    """A version of a policy."""

    kind: str
    name: str
    version: int
    effective_at: datetime | None
    """None is from the beginning."""
    published_at: datetime
    rules: Mapping[str, Any]
