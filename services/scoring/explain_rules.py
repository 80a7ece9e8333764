"""Explained scores that no model is trained for: engagement, temperature, health, satisfaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.scoring.catalogue import Name
from services.scoring.findings import answers, failed_payments, findings, open_complaints
from services.scoring.model import engagement, health
from services.scoring.model.explanation import Contribution, Explained, explained
from services.scoring.model.history import Entry
from services.scoring.scored import Lived, signs


def by_rules(one: Lived, leaves: float | None) -> Mapping[Name, Explained]:
    """What they are the sums of; ``leaves`` is the chance to leave that health is made with."""
    engaged = engagement.of_entries(one.history, one.at_s)
    found, given = findings(one.history, one.at_s), answers(one.history, one.at_s)
    healthy = health.health(signs(found, engaged.score, leaves))
    behind = {
        "engagement": [id_ for part in engaged.contributions for id_ in part.events],
        "satisfaction": [entry.id for entry in given],
        "complaints_open": [entry.id for entry in open_complaints(one.history)],
        "payments_failed": [entry.id for entry in failed_payments(one.history, one.at_s)],
    }
    parts = [
        replace(part, events=tuple(behind.get(part.name, ()))) for part in healthy.contributions
    ]
    return {
        "engagement": engaged,
        "temperature": health.heat(one.history, one.at_s),
        "health": Explained(healthy.score, healthy.base, tuple(parts)),
        "satisfaction": _satisfied(given),
    }


def _satisfied(given: Sequence[Entry]) -> Explained:
    return explained(
        0.0,
        [
            Contribution(
                f"answer {place}",
                100 * entry.value / len(given),
                {"share_of_scale": entry.value},
                (entry.id,),
            )
            for place, entry in enumerate(given, 1)
        ],
    )
