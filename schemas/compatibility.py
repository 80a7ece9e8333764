"""Whether a schema still takes everything that an older one took: what "breaking" means here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Schema = Mapping[str, Any]

_LOWEST: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_HIGHEST: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_ABSENT: Final = object()


def breaks(old: Schema, new: Schema) -> list[str]:
    """Every way in which ``new`` refuses, or reads differently, what ``old`` took; empty if none.

    A changed default breaks as well: the log holds no defaults, so its records would change.
    """
    return list(_Comparison(old, new).narrowed(old, new, ""))


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Two schemas under comparison, whose roots hold the definitions that they refer to."""

    old_root: Schema
    new_root: Schema

    def narrowed(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        old, new = _resolved(old, self.old_root), _resolved(new, self.new_root)
        if "anyOf" in old or "anyOf" in new:
            yield from self._alternatives(old, new, path)
            return
        before, after = old.get("type"), new.get("type")
        if after not in (None, before) and (before, after) != ("integer", "number"):
            yield f"{path or 'it'} was {before or 'anything'} and is {after}"
            return
        yield from _values(old, new, path)
        yield from _bounds(old, new, path)
        if "items" in new:
            yield from self.narrowed(old.get("items", {}), new["items"], f"{path}[]")
        if after == "object":
            yield from self._fields(old, new, path)

    def _alternatives(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        olds, news = old.get("anyOf", [old]), new.get("anyOf", [new])
        for each in olds:
            reasons = [list(self.narrowed(each, other, path)) for other in news]
            if all(reasons):
                # The closest alternative says best what was lost.
                yield from min(reasons, key=len)

    def _fields(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in before:
            place = f"{path}.{name}".lstrip(".")
            if name not in after:
                yield f"{place} was removed"
                continue
            yield from self.narrowed(before[name], after[name], place)
            default = before[name].get("default", _ABSENT)
            now = after[name].get("default", _ABSENT)
            if default is not _ABSENT and now is not _ABSENT and default != now:
                yield f"{place} had the default {default!r} and has {now!r}"
        for name in new.get("required", ()):
            if name not in old.get("required", ()):
                yield f"{path}.{name}".lstrip(".") + " is required now"
        yield from self._further(old, new, path)

    def _further(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before, after = (each.get("additionalProperties", True) for each in (old, new))
        if before is False or after is True:
            return
        if after is False:
            yield f"{path or 'it'} takes no further fields now"
        else:
            yield from self.narrowed({} if before is True else before, after, f"{path}.*")


def _resolved(schema: Schema, root: Schema) -> Schema:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    target: Schema = root["$defs"][reference.removeprefix("#/$defs/")]
    return {**target, **{name: value for name, value in schema.items() if name != "$ref"}}


def _values(old: Schema, new: Schema, path: str) -> Iterator[str]:
    before, after = _choices(old), _choices(new)
    if after is None:
        return
    if before is None:
        yield f"{path or 'it'} takes only {after} now"
        return
    for value in before:
        if value not in after:
            yield f"{path or 'it'} no longer takes {value!r}"


def _choices(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return schema.get("enum")


def _bounds(old: Schema, new: Schema, path: str) -> Iterator[str]:
    for names, sign in ((_LOWEST, 1), (_HIGHEST, -1)):
        for name in names:
            if name in new and (name not in old or sign * new[name] > sign * old[name]):
                yield f"{path or 'it'} had {name} {old.get(name)} and has {new[name]}"
    for name in ("pattern", "format"):
        if name in new and new[name] != old.get(name):
            yield f"{path or 'it'} had {name} {old.get(name)} and has {new[name]}"
