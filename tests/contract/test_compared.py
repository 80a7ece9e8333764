"""What ``verify`` looks at: every table that folds write, or the reason why not."""

import psycopg

from services.store.compare import COMPARED
from services.store.urls import Urls

EXEMPT = {
    "checkpoint": "compared by position",
    "workspace_count": "counts of records, which a replay takes in other batches",
    "seen_young": "which record of an id stands is recorded, not recomputed",
    "seen_head": "which runs of known ids there are depends on the batches",
    "seen_run": "as seen_head",
    "seen_page": "as seen_head",
    "skipped": "as seen_young",
    "conflicted": "as seen_young",
    "quarantined": "an operator's word",
    "unsettled": "empty wherever rows are compared",
    "decided": "what was told last is recorded, not recomputed",
}


def test_every_table_of_the_folds_is_compared_or_exempt_for_a_reason(urls: Urls) -> None:
    with psycopg.connect(urls.owner) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'live'")
        tables = {name for (name,) in rows.fetchall()}

    assert tables == COMPARED.keys() | EXEMPT.keys()
