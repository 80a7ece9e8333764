"""Backlogs: who is asked for while rows wait to be settled is answered by all that is folded."""

from collections.abc import Iterator
from contextlib import closing
from typing import Final

import pytest

from services.errors import Conflict
from services.fold.apply import Folds, apply
from services.fold.loop import read_batch
from services.log.port import Log
from services.projector.projections import READ_MODELS
from services.store.postgres import PostgresStore
from services.store.urls import Urls
from services.vault.port import Vault
from tests.integration.house import House, Json, bought, event, serving
from tests.integration.spending import Till, a_till

DAY: Final = 86_400


def fold_a_backlog(urls: Urls, log: Log, vault: Vault) -> None:
    """Fold what there is as what has more behind it."""
    with closing(PostgresStore(urls.fold)) as store:
        while batch := read_batch(log, store.checkpoints(), log.ends()):
            apply(Folds(READ_MODELS, vault), batch, store, is_backlog=True)


@pytest.fixture
def house(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with serving(urls, monkeypatch) as house:
        yield house


@pytest.fixture
def till(urls: Urls) -> Iterator[Till]:
    with a_till(urls) as till:
        yield till


def told(house: House) -> list[Json]:
    """Everything that depends on the customer's courses, but for the instant of the answer."""
    customer = f"/v1/customers/{house.id_of('user:1')}"
    answers = [
        house.found(f"{customer}/{about}")
        for about in ("loyalty", "loyalty/statement", "lifecycle")
    ]
    return [{name: said for name, said in one.items() if name != "at"} for one in answers]


@pytest.mark.parametrize("is_known", [False, True], ids=["a newcomer", "somebody known"])
def test_who_waits_is_shown_as_if_settled(house: House, is_known: bool) -> None:
    house.fold()
    if is_known:
        house.told(bought("o0", 700_00, "user:1", at=0))
        told(house)
    house.tell(
        bought("o1", 500_00, "user:1", at=DAY),
        event("feedback.given", "user:1", at=2 * DAY, survey="nps", score=9),
    )
    fold_a_backlog(house.urls, house.log, house.vault)
    assert house.found("/v1/status")["unsettled"] == 1

    waiting = told(house)
    house.fold()

    assert waiting == told(house)
    assert waiting[0]["balance"] > 500
    assert waiting[1]["lines"] == 2 + is_known
    assert house.found("/v1/status")["unsettled"] == 0


def test_who_waits_can_spend_what_is_folded_and_no_more(till: Till) -> None:
    till.publish(return_window={"days": 0})
    till.earned("user:1", 100)
    till.redeem("user:1", 30)
    till.relay()
    till.tell(till.bought("o1", 40_00, "user:1"))
    fold_a_backlog(till.urls, till.log, till.vault)
    assert till.waiting() == 0

    available = till.points.adjust(till.asked(), till.hash("user:1"), -1, "asks").available
    till.redeem("user:1", available)
    with pytest.raises(Conflict):
        till.redeem("user:1", 1)
    till.work()

    assert available == 100 - 30 + 40 + 50 - 1
    assert till.balance("user:1") == 0


def test_a_newcomer_who_waits_has_points_to_spend(till: Till) -> None:
    till.publish(return_window={"days": 0})
    till.tell(till.bought("o1", 40_00, "user:1"))
    fold_a_backlog(till.urls, till.log, till.vault)

    till.redeem("user:1", 90)
    till.work()

    assert till.balance("user:1") == 0
