"""Alert rules, pure: when each holds of a customer, since when and why, and what became of it.

``Life`` is what is known of a customer, ``Rulebook`` the versions of one rule. ``advance`` lives a
rule through a life; ``episodes`` does it at once, and both give the same. ``backtest`` says what a
rule would have found, ``news`` what is to be told of episodes that changed.
"""

from services.scoring.rules.backtest import Backtest, Period, backtest, compared
from services.scoring.rules.book import Rulebook
from services.scoring.rules.episodes import (
    BEGINNING,
    Episode,
    Track,
    Verdict,
    advance,
    episodes,
    evaluate,
    follows,
    may_wait,
)
from services.scoring.rules.intent import Classifier, Intent, said
from services.scoring.rules.keywords import Keywords
from services.scoring.rules.leaving import Leaving, outcome
from services.scoring.rules.life import Life
from services.scoring.rules.precision import Judged, Precision, judged, precision
from services.scoring.rules.standing import UNKNOWN, Standing
from services.scoring.rules.telling import Told, news

__all__ = [
    "BEGINNING",
    "UNKNOWN",
    "Backtest",
    "Classifier",
    "Episode",
    "Intent",
    "Judged",
    "Keywords",
    "Leaving",
    "Life",
    "Period",
    "Precision",
    "Rulebook",
    "Standing",
    "Told",
    "Track",
    "Verdict",
    "advance",
    "backtest",
    "compared",
    "episodes",
    "evaluate",
    "follows",
    "judged",
    "may_wait",
    "news",
    "outcome",
    "precision",
    "said",
]
