"""The store in PostgreSQL folds to the same rows as the one in memory."""

from services.fold.apply import Folds, apply
from services.fold.loop import read_batch
from services.log.memory import MemoryLog
from services.projector.projections import PROJECTIONS
from services.store.postgres import PostgresStore
from services.store.urls import Urls
from tests.histories import History, entry


def test_try(urls: Urls) -> None:
    history = History()
    history.described({"name": "Ada\tX\\n"}, "user:1", "email:a@x.org", at=1)
    history.bought("o1", 1250, "user:1", at=2)
    history.refunded("o1", 250, "email:a@x.org", at=3)
    history.called("anonymous:z", at=4)
    history.called("user:1", "anonymous:z", at=5)
    history.merged("user:1", "user:2", at=6)
    history.split(["user:1"], ["user:2"], at=7)
    history.called("user:2", "anonymous:z", at=5)
    history.events.append(history.events[0])
    log, store = MemoryLog(4), PostgresStore(urls.fold)
    for event in history.events:
        log.append([entry(event, 4)])
        apply(Folds(PROJECTIONS, history.vault), read_batch(log, store.checkpoints(), log.ends()), store)
    with store.transaction() as tx:
        print(tx._rows("select * from customer", ()))
        print(tx._rows("select * from identifier", ()))
        print(tx._rows("select * from checkpoint", ()))
    assert 0
