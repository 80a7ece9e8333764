"""Mapped: an event of another dialect as one of ours, or why it can't be one."""

from typing import NamedTuple

from schemas.problems import Problem


class Mapped(NamedTuple):
    """An event as it would be posted to ``/v1/events``; not validated yet."""

    raw: bytes
    problem: Problem | None = None
    """Why it can't be taken in, whatever ``raw`` says; that is then as much as could be read."""
