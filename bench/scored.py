"""Scores: what scoring adds to the cost of folding an event.

    python -m bench.scored [--events 100000] [--runs 3] [--profile]

A log is folded into fresh tables and scored behind the folds, each in the batches that the platform
takes of a backlog: first real purchases with what is simulated around them (Complete Journey, in
the order in which its load tells them), then bench.fold's newcomers. Cost is processor time, ours
and the backend's, by the cheapest of the runs. No model is promoted: these are the scores that
everybody has.
"""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from typing import Any, Final

import msgspec
import psycopg

from bench.courses import measured
from bench.fold import SCHEMA, Filled, Run, shown
from bench.machine import cpu_s
from bench.steps import Steps, table
from services.fold import loop
from services.scoring import fold, kept, scored, taking
from services.scoring import loop as scoring_loop
from services.scoring.loop import ScoringLoop
from services.store import postgres_scores
from services.store.postgres_scores import PostgresScores

TARGET: Final = 0.4
TABLES: Final = (
    "scoring_progress, scoring_clock, regrouped, scored_page, score, score_told, promotion, outbox,"
    " alert, alert_book"
)
WRAPPED: Final[Sequence[tuple[Any, str, str]]] = (
    (taking, "envelope_of", "read envelopes"),
    (taking, "entry_in", "take what scores need"),
    (fold, "_leaf", "read pages"),
    (kept.Leaf, "take_in", "fill pages"),
    (fold, "history_of", "put histories together"),
    (scored, "findings", "look for signs"),
    (scored, "_by_rules", "score by rules"),
    (scored, "_by_features", "score churn"),
    (fold, "tell", "tell scores"),
    (fold, "watch", "live alert rules"),
    (fold, "tell_alerts", "tell alerts"),
    (postgres_scores.PostgresScoring, "groups_of", "fetch groups"),
    (postgres_scores.PostgresScoring, "pages", "fetch pages"),
    (postgres_scores.PostgresScoring, "rows", "fetch rows"),
    (postgres_scores.PostgresScoring, "save", "write rows"),
    (scoring_loop, "score_batch", "all else"),
)


def follow(filled: Filled, steps: Steps | None = None) -> tuple[Run, Run]:
    """Fold everything, and score it behind; the cost of the one and of the other."""
    _empty(filled)
    with (
        filled.empty() as store,
        closing(PostgresScores(filled.urls.fold, schema=SCHEMA)) as scores,
    ):
        folded = filled.fold(store, batch=loop.BATCH)
        scores.progress()
        assert scores._connection
        pid = scores._connection.info.backend_pid
        scoring = ScoringLoop(filled.log, scores)
        began = time.perf_counter(), time.process_time(), cpu_s(pid)
        while done := scoring.once():
            if steps:
                steps.batch(done)
        ended = time.perf_counter(), time.process_time(), cpu_s(pid)
        spent = (after - before for before, after in zip(began, ended, strict=True))
        return folded, Run(folded.events, *spent)


def compare(title: str, filled: Filled, runs: int) -> None:
    """Print what scoring adds, by the cheapest of all runs of each."""
    folded: list[Run] = []
    added: list[Run] = []
    for _ in range(runs):
        folding, scoring = follow(filled)
        folded.append(shown(f"{title}, folded", folding))
        added.append(shown(f"{title}, scored", scoring))
    before, cost = (min(run.cost_us for run in found) for found in (folded, added))
    share = cost / before
    verdict = "kept" if share <= TARGET else "MISSED"
    print(f"  adds {share:.0%} ({cost:.1f} µs to {before:.1f}); target {TARGET:.0%}: {verdict}")
    print(f"  {_told(filled)}")


def _empty(filled: Filled) -> None:
    with psycopg.connect(filled.urls.owner) as connection:
        connection.execute("SET search_path = touchline")
        connection.execute(f"TRUNCATE {TABLES}".encode())


def _told(filled: Filled) -> str:
    """What was decided, by type."""
    with psycopg.connect(filled.urls.owner) as connection:
        found = connection.execute("SELECT event FROM touchline.outbox").fetchall()
    kinds = Counter(msgspec.json.decode(bytes(event))["type"] for (event,) in found)
    return ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())


def profile(filled: Filled) -> None:
    """Print what scoring a batch costs, by step and by statement."""
    steps = Steps(WRAPPED, postgres_scores)
    with steps.watching():
        follow(filled, steps)
    print("\n" + "\n".join(table("own CPU, median batch", steps.own)))
    print("\n".join(table("PostgreSQL's CPU, median batch", steps.backend)))


if __name__ == "__main__":
    measured("scored", __doc__, compare, profile)
