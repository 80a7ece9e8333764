"""An occasion: what simulated touches gather around, and the dice that decide about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from services.ingest.samples.event import Event, Value
from services.ingest.samples.people import Person

MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Occasion:
    """A real basket or mailing, its household's person, and that household's own dice."""

    key: str
    """Unique; ids of touches begin with it."""
    at: int
    person: Person
    random: Random
    order_id: str = ""
    store_id: str = ""
    amount_minor: int = 0
    products: Sequence[int] = ()
    is_first: bool = False

    def happens(self, probability: float) -> bool:
        """True with ``probability``."""
        return self.random.random() < probability

    def after(self, low_s: int, high_s: int, *, since: int | None = None) -> int:
        """A time between ``low_s`` and ``high_s`` seconds after the basket, or after ``since``."""
        return (self.at if since is None else since) + self.random.randint(low_s, high_s)

    def agent(self) -> str:
        """One of forty agents."""
        return f"agent-{self.random.randint(1, 40):02}"

    def touch(
        self,
        kind: str,
        at: int,
        identifiers: tuple[str, ...],
        data: dict[str, Value],
        *,
        name: str,
        source: str,
        text: str | None = None,
        cause: str | None = None,
    ) -> Event:
        """An event of ``simulated-<source>``; ``name`` tells it from others of the occasion."""
        personal = None if text is None else {"text": text}
        return Event(
            at,
            f"sim-{self.key}-{name}",
            f"simulated-{source}",
            kind,
            identifiers,
            data,
            personal,
            cause,
        )
