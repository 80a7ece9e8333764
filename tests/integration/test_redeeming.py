"""Redeeming: whoever asks at the same time, no point is spent twice."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest

from services.errors import Refused
from services.store.urls import Urls
from tests.integration.crowds import at_once, halting, tried, wait_for, working
from tests.integration.spending import Till, a_till

CLIENTS: Final = 64


@pytest.fixture
def till(urls: Urls) -> Iterator[Till]:
    with a_till(urls) as till:
        yield till


def test_64_clients_at_once_never_spend_more_than_the_balance(till: Till) -> None:
    till.earned("user:1", 1_000)
    with working(till):
        outcomes = at_once(CLIENTS, lambda n: tried(till, "user:1", 7, f"k-{n}-{n % 3}", times=4))

    till.work()

    spent = Counter(outcome for several in outcomes for outcome in several)
    assert spent["spent"] == 1_000 // 7
    assert till.balance("user:1") == 1_000 % 7
    assert till.waiting() == 0


def test_a_storm_of_retries_spends_once_and_answers_alike(till: Till) -> None:
    till.earned("user:1", 100)

    with working(till):
        ids = at_once(CLIENTS, lambda _: till.redeem("user:1", 60, "the-key"))
    till.work()

    assert len(set(ids)) == 1
    assert till.balance("user:1") == 40
    assert till.redeem("user:1", 60, "the-key") == ids[0]


def test_a_key_used_for_two_amounts_at_once_spends_one_of_them(till: Till) -> None:
    till.earned("user:1", 100)

    def ask(n: int) -> str:
        try:
            return till.redeem("user:1", 1 + n % 2, "the-key")
        except Refused as refused:
            return refused.problem.field

    answers = Counter(at_once(16, ask))
    till.work()

    assert answers.pop("Idempotency-Key") == 8
    assert list(answers.values()) == [8]
    assert till.balance("user:1") in {98, 99}


@pytest.mark.parametrize(("one", "other"), [("user:1", "user:2"), ("user:2", "user:1")])
def test_customers_that_become_one_meanwhile_spend_what_both_had(
    till: Till, monkeypatch: pytest.MonkeyPatch, one: str, other: str
) -> None:
    till.earned(one, 100)
    till.earned(other, 100)
    halts = halting(monkeypatch, 100)

    with ThreadPoolExecutor(2) as threads:
        of_one = threads.submit(tried, till, one, 100)
        halts[100].is_reached()
        # The customer that this decides on is part of another before it commits.
        till.merge("user:1", "user:2")
        till.fold()
        of_both = threads.submit(tried, till, other, 200)
        is_waiting = not wait_for(of_both.done, timeout_s=0.3)
        halts[100].go_on()
        outcomes = of_one.result(), of_both.result()
    till.work()

    assert is_waiting
    assert outcomes == (["spent"], ["short"])
    assert till.balance(one) == till.balance(other) == 100


@pytest.mark.parametrize(("one", "other"), [("user:1", "user:2"), ("user:2", "user:1")])
def test_who_waits_while_customers_become_one_looks_again(
    till: Till, monkeypatch: pytest.MonkeyPatch, one: str, other: str
) -> None:
    till.earned(one, 100)
    till.earned(other, 100)
    halts = halting(monkeypatch, 10, 100)

    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(tried, till, one, 10)
        halts[10].is_reached()
        of_other = threads.submit(tried, till, other, 100)
        halts[100].is_reached()
        waiting = threads.submit(tried, till, one, 190)
        wait_for(waiting.done, timeout_s=0.3)
        till.merge("user:1", "user:2")
        till.fold()
        # Had it only this one's lock now, it would miss what the other has just spent.
        halts[10].go_on()
        assert first.result() == ["spent"]
        wait_for(waiting.done, timeout_s=0.3)
        halts[100].go_on()
        outcomes = of_other.result(), waiting.result()
    till.work()

    assert outcomes == (["spent"], ["short"])
    assert till.balance(one) == 90


def test_a_customer_merged_a_moment_ago_spends_by_either_id(till: Till) -> None:
    till.earned("user:1", 100)
    till.earned("user:2", 50)
    till.merge("user:1", "user:2")
    assert tried(till, "user:2", 51) == ["short"]

    till.fold()

    assert tried(till, "user:2", 51) == ["spent"]
    assert tried(till, "user:1", 100) == ["short"]
    assert tried(till, "user:1", 99) == ["spent"]
    till.work()
    assert till.balance("user:2") == 0


def test_what_a_part_of_a_customer_has_spent_stays_with_it_when_they_part(till: Till) -> None:
    till.earned("user:1", 100)
    till.earned("user:2", 50)
    till.merge("user:1", "user:2")
    till.fold()

    till.redeem("user:2", 150)

    till.work()
    assert till.balance("user:1") == 0
