"""Orders: counted once, refunded at most whole, owned by whoever told of them first."""

import itertools
from collections.abc import Sequence
from functools import reduce

import msgspec
import pytest

from services.fold import orders
from tests import ledgers
from tests.histories import Step
from tests.replayed import bought, called, cancelled, given, refunded

BO = "user:bo"


@pytest.mark.parametrize(
    ("told", "count", "refunds", "spend_minor"),
    [
        pytest.param([bought("o", 10_00)], 1, 0, {"EUR": 10_00}, id="bought"),
        pytest.param([bought("o", 10_00), bought("p", 5_00)], 2, 0, {"EUR": 15_00}, id="twice"),
        pytest.param(
            [bought("o", 10_00), refunded("o", 4_00)], 1, 1, {"EUR": 6_00}, id="refunded in part"
        ),
        pytest.param(
            [bought("o", 10_00), refunded("o", 4_00), refunded("o", 5_00)],
            *(1, 2, {"EUR": 1_00}),
            id="refunded twice",
        ),
        pytest.param([bought("o", 10_00), refunded("o", 10_00)], 1, 1, {}, id="refunded whole"),
        pytest.param(
            [bought("o", 10_00), refunded("o", 25_00), bought("p", 1_00)],
            *(2, 1, {"EUR": 1_00}),
            id="refunded above its amount, which takes nothing from other orders",
        ),
        pytest.param(
            [bought("o", 10_00), refunded("o", 4_00, currency="USD")],
            *(1, 0, {"EUR": 10_00}),
            id="refunded in a currency that it was not paid in",
        ),
        pytest.param([refunded("o", 4_00)], 0, 0, {}, id="refunded, and never heard of"),
        pytest.param([cancelled("o")], 0, 0, {}, id="cancelled, and never heard of"),
        pytest.param([bought("o", 10_00), cancelled("o")], 0, 0, {}, id="cancelled"),
        pytest.param(
            [bought("o", 10_00), refunded("o", 4_00), cancelled("o")],
            *(0, 1, {}),
            id="refunded and cancelled",
        ),
        pytest.param(
            [bought("o", 10_00), bought("p", 7, currency="JPY"), bought("q", 5_00, currency="USD")],
            *(3, 0, {"EUR": 10_00, "JPY": 7, "USD": 5_00}),
            id="in three currencies",
        ),
        pytest.param([bought("o", 0)], 1, 0, {}, id="given away"),
    ],
)
def test_what_was_told_of_orders_counts_alike_in_every_order(
    told: list[Step], count: int, refunds: int, spend_minor: dict[str, int]
) -> None:
    for steps in itertools.permutations(told):
        row = given(*steps).customer()

        assert (row["orders"], row["refunds"], row["spend_minor"]) == (count, refunds, spend_minor)


@pytest.mark.parametrize(
    ("told", "owner", "amount_minor"),
    [
        pytest.param(
            [bought("o", 10_00, at=1), bought("o", 12_00, BO, at=2)],
            *("user:ada", 10_00),
            id="the earlier report, though it came first",
        ),
        pytest.param(
            [bought("o", 12_00, BO, at=2), bought("o", 10_00, at=1)],
            *("user:ada", 10_00),
            id="the earlier report, though it came late",
        ),
        pytest.param(
            [bought("o", 10_00, source="web"), bought("o", 12_00, BO, source="shop")],
            *("user:bo", 12_00),
            id="of one time, the source that sorts first",
        ),
        pytest.param(
            [bought("o", 10_00, id_="2"), bought("o", 12_00, BO, id_="1")],
            *("user:bo", 12_00),
            id="of one time and source, the id that sorts first",
        ),
        pytest.param(
            [bought("o", 10_00, at=1, key_kind="browser"), bought("o", 12_00, BO, at=2)],
            *("user:bo", 12_00),
            id="never a browser, however early",
        ),
        pytest.param(
            [
                bought("o", 10_00, "anonymous:tablet", at=3),
                bought("o", 11_00, "email:ada@x.org", at=2),
                bought("o", 12_00, BO, at=1),
            ],
            *("user:bo", 12_00),
            id="each older report takes it over",
        ),
    ],
)
def test_an_order_is_owned_by_its_first_report(
    told: list[Step], owner: str, amount_minor: int
) -> None:
    found = given(*told)

    assert found.owner("o") == owner
    assert found.customer(owner)["spend_minor"] == {"EUR": amount_minor}


def test_an_order_that_changes_hands_leaves_nothing_behind() -> None:
    steps = [bought("o", 12_00, BO, at=2), refunded("o", 2_00, BO, at=3)]

    before = given(*steps)
    after = given(*steps, bought("o", 12_00, at=1))

    assert (
        before.customer(BO).items()
        >= {"orders": 1, "refunds": 1, "spend_minor": {"EUR": 10_00}}.items()
    )
    assert after.customer(BO).items() >= {"orders": 0, "refunds": 0, "spend_minor": {}}.items()
    assert (
        after.customer().items()
        >= {"orders": 1, "refunds": 1, "spend_minor": {"EUR": 10_00}}.items()
    )


def test_the_touch_stays_with_who_reported_it() -> None:
    found = given(bought("o", 12_00, BO, at=2), bought("o", 12_00, at=1))

    assert found.customer(BO)["families"] == {"purchase": 1}
    assert found.customer()["families"] == {"purchase": 1}


def test_a_refund_counts_for_the_owner_whoever_reports_it() -> None:
    found = given(bought("o", 10_00, at=1), refunded("o", 3_00, BO, at=2), called(BO))

    assert found.customer()["spend_minor"] == {"EUR": 7_00}
    assert found.customer(BO)["refunds"] == 0


def test_a_refund_counts_in_the_currency_of_whichever_report_owns_the_order() -> None:
    steps = [bought("o", 10_00, at=2), refunded("o", 3_00, at=3)]

    found = given(*steps, bought("o", 1500, currency="JPY", at=1))

    assert found.customer().items() >= {"refunds": 0, "spend_minor": {"JPY": 1500}}.items()


@pytest.mark.parametrize(
    "step",
    [
        bought("o", 10_00, key_kind="browser"),
        refunded("o", 10_00, key_kind="browser"),
        cancelled("o", key_kind="browser"),
    ],
    ids=repr,
)
def test_what_a_browser_says_of_an_order_is_kept_and_never_counted(step: Step) -> None:
    alone = given(step)
    beside = given(step, bought("o", 20_00, at=9))

    assert alone.customer().items() >= {"orders": 0, "refunds": 0, "spend_minor": {}}.items()
    assert alone.customer()["families"] == {"purchase": 1}
    assert beside.customer().items() >= {"orders": 1, "spend_minor": {"EUR": 20_00}}.items()
    assert len(beside.order("o").heard) == 1


def test_a_second_source_corroborates_an_order() -> None:
    found = given(
        bought("o", 10_00, at=1, source="shop"),
        bought("o", 10_00, BO, at=2, source="till"),
        refunded("o", 1_00, at=3),
    )

    assert found.reports(found.order("o").purchases) == [("user:ada", 10_00), ("user:bo", 10_00)]
    assert found.reports(found.order("o").refunds) == [("user:ada", 1_00)]
    assert found.customer(BO)["orders"] == 0


def test_one_order_id_is_one_order_however_odd_it_is() -> None:
    odd = "№ 1\t\\N, 'o'; 注文"

    found = given(bought(odd, 1_00), bought(odd.strip() + " ", 2_00))

    assert found.customer()["orders"] == 2


def counted(told: Sequence[ledgers.Told]) -> list[orders.Settled | None]:
    """What an order counts as, told of in every order."""
    return [
        orders.settle(reduce(orders.tell, events, orders.Order()))
        for events in itertools.permutations(told)
    ]


SHOP = ledgers.bought("o", 10_00, ledgers.days(1), "s1", source="shop")
TILL = ledgers.bought("o", 12_00, ledgers.days(2), "t1", source="till")
BACK = ledgers.refunded("o", 4_00, ledgers.days(3), "r1")


@pytest.mark.parametrize(
    ("told", "amount_minor", "refunded_minor"),
    [
        pytest.param([SHOP, TILL, BACK], 10_00, 4_00, id="nothing taken back"),
        pytest.param(
            [SHOP, TILL, BACK, ledgers.voided(SHOP, ledgers.days(4), "v1")],
            *(12_00, 4_00),
            id="the owner's report taken back, and the next one owns the order",
        ),
        pytest.param(
            [SHOP, TILL, ledgers.voided(TILL, ledgers.days(4), "v1")],
            *(10_00, 0),
            id="a corroboration taken back",
        ),
        pytest.param(
            [SHOP, BACK, ledgers.voided(BACK, ledgers.days(4), "v1")],
            *(10_00, 0),
            id="a refund taken back",
        ),
    ],
)
def test_a_voided_report_counts_for_nothing_whenever_it_is_voided(
    told: Sequence[ledgers.Told], amount_minor: int, refunded_minor: int
) -> None:
    for found in counted(told):
        assert found
        assert (found.amount_minor, found.refunded_minor) == (amount_minor, refunded_minor)


def test_an_order_whose_reports_are_all_voided_counts_for_nothing() -> None:
    told = [SHOP, BACK, ledgers.voided(SHOP, ledgers.days(4), "v1")]

    assert counted(told) == [None] * 6


def test_a_void_is_kept_once_and_names_one_report_only() -> None:
    void = ledgers.voided(SHOP, ledgers.days(4), "v1")
    again = ledgers.voided(SHOP, ledgers.days(5), "v2")
    namesake = ledgers.refunded("o", 4_00, ledgers.days(3), "s1", source="shop")

    order = reduce(orders.tell, [void, SHOP, again, TILL, namesake], orders.Order())

    assert order.voided == (("purchase.completed", "shop", "s1"),)
    assert order.owner == TILL.leaf
    assert [report.id for report in order.purchases] == ["s1", "t1"]
    assert orders.settle(order) == counted([TILL, namesake])[0]


def test_a_report_says_channel_and_what_was_paid_by_category() -> None:
    lines = {"tea": 3_00, "cake": 5_00}
    told = ledgers.bought("o", 9_00, ledgers.days(1), "s1", channel="store", categories=lines)

    (report,) = orders.tell(orders.Order(), told).purchases

    assert (report.channel, report.categories) == ("store", (("cake", 5_00), ("tea", 3_00)))


def test_an_order_that_was_stored_before_reports_said_so_is_read_as_ever() -> None:
    at = ledgers.days(1)
    older = msgspec.msgpack.encode([[[at, "shop", "s1", "leaf", 10_00, "EUR"]], [], [], []])

    order = msgspec.msgpack.decode(older, type=orders.Order)

    assert order.owner == "leaf"
    assert order.purchases[0].categories == ()
