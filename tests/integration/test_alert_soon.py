"""Alerts come soon: the scorer brings them to the log, and the stream tells them from there."""

import threading
from collections.abc import Iterator

import pytest

from services import scorer
from services.store.programs import until
from services.store.urls import Urls
from tests.integration.alerted import STREAM, rated
from tests.integration.hearing import hearing
from tests.integration.house import House, serving
from tests.integration.telling_scores import decisions


@pytest.fixture
def house(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with serving(urls, monkeypatch) as house:
        yield house


def test_an_alert_is_heard_though_no_relay_and_no_fold_goes_on(house: House) -> None:
    with (
        hearing(house.client, house.keys["secret"], path=STREAM) as heard,
        scorer.scoring(house.urls.fold, house.log, house.vault) as scoring,
    ):
        house.told(rated(2, "user:1"))
        # What the folds and scores decided otherwise waits for the relay, which rests.
        assert scoring.once()

        [alert] = heard.decisions(1)

    assert alert["type"] == "alert.raised"
    assert house.rows("SELECT count(*) > 0 FROM outbox") == [(True,)]


def test_a_scorer_at_work_hears_of_the_folds_and_tells_each_alert_once(house: House) -> None:
    stop = threading.Event()
    with scorer.scoring(house.urls.fold, house.log, house.vault) as scoring, house.running():
        thread = threading.Thread(target=scoring.run, args=(stop,))
        thread.start()
        try:
            for number in range(5):
                house.tell(rated(2, f"user:a{number}"))
                told = (len(decisions(house, "alert.raised")) for _ in until(30))
                assert any(count == number + 1 for count in told)
        finally:
            stop.set()
            thread.join()

    ids = [one.id for one in decisions(house, "alert.raised")]
    assert len(ids) == len({*ids}) == 5
