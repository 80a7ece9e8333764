"""The inboxes that settings name, each read by a thread of the process that takes events in."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from services.ingest.door import Door
from services.ingest.reading import Letters, Reading, Source
from services.log.open import open_inbox
from services.process import beside
from services.settings import Settings
from services.store.letters import PostgresLetters
from services.store.postgres_tenants import PostgresTenants


@contextmanager
def reading(settings: Settings, door: Door) -> Iterator[None]:
    """Read every inbox until the block ends; the batches at hand are finished then.

    ``settings`` name the store. Raises ``Misconfigured`` where Kafka's clients are missing.
    """
    if not settings.inboxes:
        yield
        return
    url = settings.store_fold_url
    with ExitStack() as stack:
        tenants = stack.enter_context(closing(PostgresTenants(url)))
        kept = stack.enter_context(closing(PostgresLetters(url)))
        letters = Letters(kept.keep_all, door.vault, door.clock)
        works = []
        for topic, key_id in settings.inbox_keys.items():
            inbox = stack.enter_context(closing(open_inbox(settings.kafka, topic)))
            source = Source(topic, key_id, tenants.find_by_id)
            door.metrics.inboxes.watch(topic, inbox.waiting)
            works.append(Reading(inbox, source, door, letters).run)
        with beside(threading.Event(), works):
            yield
