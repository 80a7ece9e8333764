"""Forms: how rules of one kind are read from plain trees, as TOML, JSON and the log hold them."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from schemas.problems import Problem
from schemas.rules.misfits import misfits

Rules = TypeVar("Rules")


class Form(Generic[Rules]):
    """Of one kind; ``tables`` say what a table of a name is, the whole being the one without."""

    def __init__(
        self,
        tables: Mapping[str, type[Any]],
        contradictions: Callable[[Rules], Sequence[Problem]],
        consists_of: str,
    ) -> None:
        self._tables, self._contradictions, self._consists_of = tables, contradictions, consists_of

    def parse(self, rules: Mapping[str, object]) -> Rules | list[Problem]:
        """What ``rules`` describe, or all that is wrong with them; never raises.

        Times may be RFC 3339 text or, as TOML reads them, times with a zone.
        """
        try:
            found = self.trust(rules)
        except ValidationError as error:
            return misfits(error, self._tables)
        except RecursionError:
            return [Problem("", None, "is nested too deeply", self._consists_of)]
        return [*self._contradictions(found)] or found

    def trust(self, rules: Mapping[str, object]) -> Rules:
        """The same of rules that ship, which tests have checked."""
        return self._adapter.validate_json(json.dumps(rules, default=_text))

    @cached_property
    def _adapter(self) -> TypeAdapter[Rules]:
        # Made when it is asked for: most processes read rules of few kinds.
        return TypeAdapter(self._tables[""])


def _text(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
