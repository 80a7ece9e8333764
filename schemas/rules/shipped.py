"""The rules that ship: TOML files beside this one, with comments that teach."""

import tomllib
from importlib import resources
from typing import Any


def shipped(name: str) -> dict[str, Any]:
    """The tree in ``defaults/<name>.toml``."""
    file = resources.files("schemas.rules") / "defaults" / f"{name}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))
