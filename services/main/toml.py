"""TOML: rules as people write them."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any, Final

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def dumps(tree: Mapping[str, Any]) -> str:
    """``tree`` as TOML, which reads as the same tree less its nulls."""
    return "\n".join(_table(tree, ())).strip() + "\n"


def _table(tree: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    for key, value in tree.items():
        if value is not None and not _is_section(value, path):
            yield f"{_key(key)} = {_value(value)}"
    for key, value in tree.items():
        if not _is_section(value, path):
            continue
        inner = (*path, key)
        title = ".".join(map(_key, inner))
        if isinstance(value, dict):
            yield f"\n[{title}]"
            yield from _table(value, inner)
        else:
            for item in value:
                yield f"\n[[{title}]]"
                # Beyond it TOML would need its title repeated at each step: braces read better.
                yield from _flat(item)


def _flat(tree: Mapping[str, Any]) -> Iterator[str]:
    for key, value in tree.items():
        if value is not None:
            yield f"{_key(key)} = {_value(value)}"


def _is_section(value: object, path: tuple[str, ...]) -> bool:
    """Whether it is shown under a title of its own: what lies at most two steps deep."""
    if len(path) > 1:
        return False
    if isinstance(value, dict):
        return not path or any(isinstance(one, dict | list) for one in value.values())
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case date() | time():
            return value.isoformat()
        case list() | tuple():
            return f"[{', '.join(_value(one) for one in value if one is not None)}]"
        case dict():
            pairs = [
                f"{_key(key)} = {_value(one)}" for key, one in value.items() if one is not None
            ]
            return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
        case _:
            return _text(str(value))


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)
