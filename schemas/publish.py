"""Publishes the JSON Schemas: ``python -m schemas.publish``, or ``--check`` to change nothing.

Both refuse a breaking change that has no new version: producers rely on what is published, and
the log holds events of that shape.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from schemas import TYPES, upcast
from schemas.catalogue import data_schema_of, envelope_schema
from schemas.compatibility import breaks

Schemas = Mapping[str, Mapping[str, Any]]
FOLDER: Final = Path(__file__).parent / "published"
SUFFIX: Final = ".schema.json"
ENVELOPE: Final = "envelope"


def current() -> Schemas:
    """The schema of every type as the classes have it now, and of the envelope."""
    return {ENVELOPE: envelope_schema()} | {type_: data_schema_of(type_) for type_ in TYPES}


def published(folder: Path = FOLDER) -> Schemas:
    """The schemas as they were published last."""
    return {
        path.name.removesuffix(SUFFIX): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob(f"*{SUFFIX}"))
    }


def broken(before: Schemas, after: Schemas) -> list[str]:
    """Every breaking change from ``before`` to ``after`` that no new version announces."""
    found = [f"{type_}: the type was removed" for type_ in before if type_ not in after]
    for type_ in before:
        if type_ in after:
            found += [f"{type_}: {change}" for change in _changes(type_, before, after)]
    return found


def stale(before: Schemas, after: Schemas) -> list[str]:
    """Types whose published schema is missing, or another than the classes give."""
    return [type_ for type_, schema in after.items() if before.get(type_) != schema]


def write(schemas: Schemas, folder: Path = FOLDER) -> None:
    """Write one file a type."""
    for type_, schema in schemas.items():
        text = json.dumps(schema, ensure_ascii=False, indent=2) + "\n"
        (folder / f"{type_}{SUFFIX}").write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    """Publish or check; 0 done, 1 refused."""
    parser = argparse.ArgumentParser(prog="python -m schemas.publish", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if stale")
    is_check = parser.parse_args(arguments).check
    before, after = published(folder), current()
    breaking, outdated = broken(before, after), stale(before, after)
    for change in breaking:
        print(f"breaking: {change}; give the class a new version and upcast.py a step")
    if breaking:
        return 1
    for type_ in outdated:
        print(f"{'stale' if is_check else 'published'}: {type_}")
    if is_check and outdated:
        print("run python -m schemas.publish and commit what it writes")
        return 1
    write({type_: after[type_] for type_ in outdated}, folder)
    return 0


def _changes(type_: str, before: Schemas, after: Schemas) -> list[str]:
    old, new = before[type_]["version"], after[type_]["version"]
    if new < old:
        return [f"version {old} went back to {new}"]
    if new > old:
        known = upcast.is_known(type_, old, new)
        return [] if known else [f"no step from version {old} to {new} in upcast.py"]
    return breaks(before[type_], after[type_])


if __name__ == "__main__":
    sys.exit(main())
