"""Identify: from identifiers as posted to keyed hashes, strongest first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from schemas.identifiers import is_blocked, normalise
from schemas.problems import Problem
from services.vault.seal import hash_identifier


@dataclass(frozen=True, slots=True)
class Identified:
    """Who an event is about; all three empty for a control event."""

    hashes: tuple[str, ...] = ()
    """Sorted, so the first is the leaf."""
    plain: tuple[str, ...] = ()
    """``kind:value`` as normalised, in the order of ``hashes``."""
    warnings: tuple[Problem, ...] = ()
    """Placeholders that were left out."""


def identify(
    identifiers: Sequence[str], workspace: str, region: str, hash_key: bytes
) -> Identified | Problem:
    """Normalise, leave out what names nobody, hash and sort; or say why that can't be done."""
    named: dict[str, str] = {}
    warnings: list[Problem] = []
    for index, identifier in enumerate(identifiers):
        found = normalise(identifier, region=region)
        if isinstance(found, Problem):
            return replace(found, field=f"identifiers.{index}")
        kind, value = found
        if is_blocked(value):
            warnings.append(_left_out(index, identifier))
        else:
            named[hash_identifier(hash_key, workspace, kind, value)] = f"{kind}:{value}"
    if not named:
        return _nobody(identifiers)
    hashes = tuple(sorted(named))
    return Identified(hashes, tuple(named[hash_] for hash_ in hashes), tuple(warnings))


def _left_out(index: int, identifier: str) -> Problem:
    problem, remedy = "names nobody and was left out", "send it only when it is known"
    return Problem(f"identifiers.{index}", identifier[:100], problem, remedy)


def _nobody(identifiers: Sequence[str]) -> Problem:
    problem = "holds only values that name nobody" if identifiers else "names nobody"
    remedy = "send at least one, like user:42 or email:ada@example.org"
    return Problem("identifiers", [identifier[:100] for identifier in identifiers], problem, remedy)
