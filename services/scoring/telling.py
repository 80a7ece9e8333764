"""Telling: which scores came into another band, each as an event of its own.

Told at each whole point, fading alone would tell of every customer every day.

Level-triggered, as the folds' decisions are: a score is compared with what was told last of it, and
the event, that memory and the row commit together.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from schemas import ScoreComputed
from services.fold.deciding import Cause
from services.fold.decisions import decision
from services.scoring.catalogue import SCALES, Name, model_of
from services.scoring.scored import Lived, Scored
from services.store.scores import ScoreChanges, ScoreRow, ScoringTransaction, ToldRow


class Now(NamedTuple):
    """A customer as a transaction leaves them, and as it found them."""

    customer: str
    workspace: str
    lived: Lived
    scored: Scored
    before: ScoreRow | None


CauseOf = Callable[[Now], Cause]
"""Asked for those of whom there is something to tell."""


def tell(
    news: Sequence[Now], cause_of: CauseOf, tx: ScoringTransaction, changes: ScoreChanges
) -> None:
    """Let ``changes`` tell what is new of those who may be news, each score once at most."""
    told = tx.told({one.customer for one in news}) if news else {}
    for one in news:
        cause: Cause | None = None
        for name, (_, band) in one.scored.scores.items():
            last = told.get((one.customer, name))
            if band != (last.band if last else SCALES[name].stranger):
                cause = cause or cause_of(one)
                _tell(one, name, last, (cause, changes))


def may_be_news(one: Now) -> bool:
    """Whether a band is not the row's.

    Of whom there is no row it is not known: their id may have been another customer's meanwhile.
    """
    if one.before is None:
        return True
    before = one.before.scores
    for name, (_, band) in one.scored.scores.items():
        if name not in before or band != before[name][1]:
            return True
    return False


def _tell(one: Now, name: Name, last: ToldRow | None, within: tuple[Cause, ScoreChanges]) -> None:
    (value, band), (cause, changes) = one.scored.scores[name], within
    key = f"score:{name}\0{one.workspace}\0{one.customer}\0{value!r}\0{band}\0{cause.key}"
    id_ = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
    model, version = model_of(name, one.scored.models)
    data = ScoreComputed(
        customer_id=one.customer,
        score=name,
        value=value,
        previous_value=last.value if last else None,
        band=band,
        currency=one.scored.currency if name == "lifetime_value" else None,
        model=model,
        model_version=version,
        # Another model is no news of the customer.
        is_restated=cause.is_old or (one.before or one.scored).models != one.scored.models,
    )
    event = decision(
        data, id_=id_, occurred_at=cause.at, identifiers=[one.customer], cause=cause.id
    )
    changes.outbox.append((one.workspace, event))
    changes.told.append(ToldRow(one.customer, name, one.workspace, value, band, id_))
