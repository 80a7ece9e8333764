"""Models: which one scores from when on."""

from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import ConfigDict

from schemas.fields import STRICT, Actor, At, Digest, Label, Scalars


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPromoted:
    """A version of a model took over."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "model.promoted"
    version: ClassVar[int] = 1

    model: Label
    """Which model, like churn."""
    model_version: Label
    """The version that scores from now on."""
    previous_version: Label | None = None
    """The version that scored before."""
    digest: Digest | None = None
    """Of the model's parameters."""
    trained_until_at: At | None = None
    """The last event that it has seen in training."""
    metrics: Scalars = field(default_factory=dict)
    """How it did on held-out data, like auc."""
    by: Actor

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Model {self.model} is now version {self.model_version}"
