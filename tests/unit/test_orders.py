"""Orders: counted once, refunded at most whole, owned by whoever told of them first."""

import itertools

import pytest

from tests.histories import Step
from tests.replayed import bought, called, cancelled, given, refunded

BO = "user:bo"


@pytest.mark.parametrize(
    ("told", "orders", "refunds", "spend_minor"),
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
    told: list[Step], orders: int, refunds: int, spend_minor: dict[str, int]
) -> None:
    for steps in itertools.permutations(told):
        row = given(*steps).customer()

        assert (row["orders"], row["refunds"], row["spend_minor"]) == (orders, refunds, spend_minor)


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
