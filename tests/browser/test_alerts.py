"""Alerts and scores in a real browser: listed, heard as they come, taken care of, explained."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.console import PATIENCE_MS, Console, people
from tests.browser.people import HOSTILE, told
from tests.integration.running import RunningPlatform

CASE: Final = HOSTILE[:60]
SOON_MS: Final = 8_000
"""Sooner than the page looks by itself."""


def answered(who: str, name: str, score: int = 2) -> list[dict[str, Any]]:
    """Somebody with a name who answers a survey."""
    return [
        told("customer.identified", who, personal={"name": name}),
        told("feedback.given", who, survey="nps", score=score),
    ]


def waiting(who: str, case_id: str) -> dict[str, Any]:
    """A complaint that has waited for a day and an hour."""
    opened = told("case.opened", who, case_id=case_id, kind="complaint")
    return opened | {"occurred_at": (datetime.now(UTC) - timedelta(hours=25)).isoformat()}


@pytest.fixture(scope="module")
def platform(platform: RunningPlatform) -> Iterator[RunningPlatform]:
    """In a workspace of its own: others look at who was touched last."""
    with platform.acting_in("alerts"):
        people(platform)
        yield platform


@pytest.fixture(scope="module")
def _alerted(platform: RunningPlatform) -> None:
    events = [
        *answered("user:unhappy", "Uma Unhappy"),
        *answered("user:handled", "Hugo Handled"),
        *answered("user:snoozed", "Sara Snoozed"),
        *answered("user:closed", "Clara Closed"),
        waiting("user:hostile", CASE),
    ]
    answer = platform.post(events)
    assert answer.json()["rejected"] == []
    platform.settled()
    platform.wait_until(
        lambda: len(platform.get("/v1/alerts?status=open")["items"]) >= 5, "five alerts are open"
    )


def of(console: Console, name: str) -> Locator:
    """The alert of the customer of that name."""
    return console.page.locator(".alert", has_text=name)


@pytest.mark.usefixtures("_alerted")
class TestAlerts:
    """All look at the same customers."""

    def test_an_open_alert_says_who_and_why(self, console: Console) -> None:
        console.open("#/alerts")

        alert = of(console, "Uma Unhappy")
        expect(alert).to_contain_text("Warning")
        expect(alert).to_contain_text("Detractor")
        expect(alert).to_contain_text("Would not recommend us")
        expect(alert.locator(".evidence")).to_contain_text("Answer2")
        expect(alert.locator(".evidence")).to_contain_text("Bad up to6")
        expect(alert).to_contain_text("For customer success")
        expect(alert.locator("time")).to_contain_text("ago")
        alert.get_by_role("link", name="Uma Unhappy").click()
        expect(console.page.locator(".profile h1")).to_have_text("Uma Unhappy")

    def test_an_alert_is_heard_as_it_comes(self, console: Console) -> None:
        console.open("#/alerts")
        expect(of(console, "Uma Unhappy")).to_be_visible()
        assert any(address.endswith("/v1/alerts/stream") for address in console.asked)

        console.platform.post(answered("user:late", "Lena Late", 0))

        expect(of(console, "Lena Late")).to_be_visible(timeout=SOON_MS)

    def test_who_is_taken_care_of_is_open_no_more(self, console: Console) -> None:
        console.open("#/alerts")
        page = console.page

        of(console, "Hugo Handled").get_by_role("button", name="Take care of it").click()
        expect(of(console, "Hugo Handled")).to_have_count(0)
        page.get_by_role("button", name="Taken care of").click()
        again = of(console, "Hugo Handled")
        expect(again).to_be_visible()
        expect(again.get_by_role("button", name="Take care of it")).to_have_count(0)

        again.get_by_role("button", name="Done…").click()
        again.get_by_label("What was done").fill(HOSTILE[:80])
        page.keyboard.press("Enter")
        expect(of(console, "Hugo Handled")).to_contain_text(HOSTILE[:80])
        assert page.evaluate("window.ran ?? 'nothing'") == "nothing"

    def test_nothing_is_done_without_a_word_for_it(self, console: Console) -> None:
        console.open("#/alerts")
        alert = of(console, "Uma Unhappy")

        alert.get_by_role("button", name="Done…").click()
        alert.get_by_role("button", name="Save").click()

        expect(alert.get_by_label("What was done")).to_be_focused()
        expect(alert).to_be_visible()
        assert not [address for address in console.asked if address.endswith("/act")]

    def test_one_is_snoozed_and_another_closed(self, console: Console) -> None:
        console.open("#/alerts")
        page = console.page

        of(console, "Sara Snoozed").get_by_role("button", name="Snooze…").click()
        of(console, "Sara Snoozed").get_by_role("button", name="7 days").click()
        expect(of(console, "Sara Snoozed")).to_have_count(0)
        page.get_by_role("button", name="Snoozed").click()
        expect(of(console, "Sara Snoozed")).to_be_visible()

        page.get_by_role("button", name="Open", exact=True).click()
        of(console, "Clara Closed").get_by_role("button", name="Close…").click()
        of(console, "Clara Closed").get_by_label("Why").fill("refunded")
        of(console, "Clara Closed").get_by_role("button", name="Save").click()
        expect(of(console, "Clara Closed")).to_have_count(0)
        page.get_by_role("button", name="Closed", exact=True).click()
        expect(of(console, "Clara Closed")).to_contain_text("refunded")

    def test_each_rule_says_how_often_it_was_right(self, console: Console) -> None:
        console.open("#/alerts")
        rows = console.page.locator(".ruled tbody tr")

        expect(rows).to_have_count(11)
        expect(rows.filter(has_text="Detractor")).to_contain_text("Would not recommend us")
        expect(rows.filter(has_text="Detractor").locator("td").nth(1)).not_to_have_text("0")
        expect(rows.filter(has_text="Falling spend").locator("td").nth(3)).to_have_text("—")

    def test_a_customer_has_scores_and_what_they_are_the_sum_of(self, console: Console) -> None:
        console.customer("user:ada")
        scores = console.page.locator(".scores")

        expect(scores.locator("summary")).to_have_count(3)
        engagement = scores.locator("li", has_text="Engagement").first
        engagement.locator("summary").click()
        expect(engagement.locator(".because li").first).to_be_visible()
        expect(engagement.locator(".because")).to_contain_text("By engagement, version 1")
        expect(engagement.locator(".because")).to_contain_text("Purchase")

    def test_a_customer_s_own_alerts_are_taken_care_of_there(self, console: Console) -> None:
        console.platform.post(answered("user:own", "Olga Own"))
        console.platform.settled()
        console.customer("user:own")
        alert = console.page.locator(".of-customer .alert")

        expect(alert).to_contain_text("Detractor", timeout=PATIENCE_MS)
        expect(alert.get_by_role("link")).to_have_count(0)
        alert.get_by_role("button", name="Take care of it").click()
        expect(alert).to_contain_text("Taken care of")
        console.sees(console.page.locator(".scores", has_text="Satisfaction"))

    def test_what_a_stranger_wrote_is_text_here_too(self, console: Console) -> None:
        console.open("#/alerts")
        page = console.page
        alert = page.locator(".alert", has_text="Complaint unanswered")

        expect(alert).to_contain_text("Critical")
        expect(alert.locator(".evidence")).to_contain_text(CASE)
        expect(alert.get_by_role("link")).to_have_text(HOSTILE)
        console.customer("user:hostile")
        expect(page.locator(".of-customer .evidence")).to_contain_text(CASE)
        page.locator(".scores summary").first.click()

        assert page.evaluate("window.ran ?? 'nothing'") == "nothing"
        assert page.locator("img, main script, iframe").count() == 0

    def test_it_is_all_said_in_chinese(self, tab: Callable[..., Console]) -> None:
        chinese = tab(locale="zh-CN")
        chinese.open("#/alerts")
        chinese.sees("各规则的准确率")
        chinese.sees(chinese.page.locator(".alert", has_text="贬损者"))
        chinese.sees("我来负责")
        chinese.customer("user:ada")

        chinese.sees("活跃度")

    def test_it_fits_a_narrow_screen(self, tab: Callable[..., Console]) -> None:
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        found = {}
        for locale, scheme in (("en-GB", "light"), ("zh-CN", "dark")):
            narrow = tab(width=360, locale=locale, color_scheme=scheme)
            narrow.open("#/alerts")
            narrow.sees(narrow.page.locator(".alert"))
            narrow.sees(narrow.page.locator(".ruled tbody tr"))
            found[locale, "alerts"] = narrow.page.evaluate(overflow)
            narrow.customer("user:hostile")
            narrow.page.locator(".scores summary").first.click()
            narrow.sees(narrow.page.locator(".because li, .because .hint"))
            found[locale, "customer"] = narrow.page.evaluate(overflow)

        assert set(found.values()) == {0}
