"""Older versions of event types, brought to the newest shape: the one place that knows them."""

from collections.abc import Callable, Mapping
from typing import Final

Shape = dict[str, object]


def upcast(type_: str, version: int, data: Mapping[str, object]) -> Shape:
    """``data`` as the newest version has it, one step a version; ask ``is_known`` first."""
    shape = dict(data)
    while (type_, version) in STEPS:
        shape = STEPS[type_, version](shape)
        version += 1
    return shape


def is_known(type_: str, version: int, newest: int) -> bool:
    """Whether every step from ``version`` to ``newest`` is known."""
    return all((type_, step) in STEPS for step in range(version, newest)) and version <= newest


def _feedback_stars_to_scale(old: Shape) -> Shape:
    """Version 1 knew stars only; version 2 has every survey, each with its scale."""
    rest = {name: value for name, value in old.items() if name != "stars"}
    return rest | {"survey": "csat", "score": old.get("stars"), "scale_min": 1, "scale_max": 5}


STEPS: Final[Mapping[tuple[str, int], Callable[[Shape], Shape]]] = {
    ("feedback.given", 1): _feedback_stars_to_scale,
}
