"""Drafts: policies as files hold them, in TOML or JSON."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from schemas.rules.loyalty import Loyalty
from services.commands.policies import KINDS, Draft
from services.errors import Refused

LOYALTY: Final = "loyalty"
LIFECYCLE: Final = "lifecycle"
ALERT: Final = "alert"
_ONE: Final = {LIFECYCLE: "stages", ALERT: "when"}
"""What a policy of these kinds has that a table of several by name has not."""
_OF_LOYALTY: Final = frozenset(field.name for field in fields(Loyalty))


def read(
    text: bytes, *, kind: str | None = None, name: str | None = None,
    effective_at: datetime | None = None,
) -> list[Draft]:  # fmt: skip
    """The policies in ``text``; of a file with several by name the one of ``name``, or all.

    ``kind`` and ``name`` may stand in the file. Raises ``Refused`` for what is neither TOML nor
    JSON, and where it can't be told what it rules.
    """
    tree = parsed(text)
    kind = kind or _own(tree, "kind") or _guessed(tree)
    name = name or _own(tree, "name")
    if kind in _ONE and _ONE[kind] not in tree and _holds_several(tree, kind):
        if name is not None and name not in tree:
            named = ", ".join(tree)
            raise Refused("is not in the file", f"choose one of {named}", field="name", value=name)
        return [
            Draft(kind, own, rules, effective_at)
            for own, rules in tree.items()
            if name in {None, own}
        ]
    return [Draft(kind, name or "default", tree, effective_at)]


def parsed(text: bytes) -> dict[str, Any]:
    """The tree in ``text``: JSON where it begins with a brace, else TOML."""
    try:
        if not text.lstrip().startswith(b"{"):
            return tomllib.loads(text.decode())
        tree = json.loads(text)
    except (ValueError, RecursionError) as cause:
        raise Refused(
            f"is no TOML and no JSON: {cause}",
            "begin with what `touchline policies show` prints",
            field="file",
        ) from cause
    if not isinstance(tree, dict):
        raise Refused("is no JSON object", "put the rules in braces", field="file")
    return tree


def _own(tree: dict[str, Any], word: str) -> str | None:
    """What the file says of itself; a machine may have that name as well."""
    return tree.pop(word) if isinstance(tree.get(word), str) else None


def _guessed(tree: Mapping[str, Any]) -> str:
    for kind, word in _ONE.items():
        if word in tree or _holds_several(tree, kind):
            return kind
    if tree.keys() & _OF_LOYALTY:
        return LOYALTY
    raise Refused(
        "does not tell what it rules",
        f"name it with --kind: {' or '.join(KINDS)}",
        field="kind",
    )


def _holds_several(tree: Mapping[str, Any], kind: str) -> bool:
    return bool(tree) and all(isinstance(one, dict) and _ONE[kind] in one for one in tree.values())
