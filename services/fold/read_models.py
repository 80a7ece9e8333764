"""Read models: everything that the log is folded into."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.fold.course import AnyCourse
from services.fold.projection import AnyProjection
from services.fold.source import Source


@dataclass(frozen=True, slots=True)
class ReadModels:
    """Projections, and the courses with where their entries come from."""

    projections: Sequence[AnyProjection]
    courses: Sequence[tuple[AnyCourse, Source]] = ()
