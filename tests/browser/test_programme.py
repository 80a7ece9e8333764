"""Lifecycle and loyalty in a real browser: of all customers, of one, and nothing that runs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from playwright.sync_api import expect

from tests.browser.console import Console
from tests.browser.people import HOSTILE, bought, told
from tests.integration.running import RunningPlatform

LONG_AGO: Final = (datetime.now(UTC) - timedelta(days=60)).isoformat()
BOUGHT: Final = [
    bought(f"M-{number}", 100 * number, "EUR", "user:member", channel="store")
    for number in range(1, 31)
]
GIVEN_BACK: Final = told(
    "purchase.refunded", "user:member", order_id="M-30", amount_minor=3000, currency="EUR"
)
REWARDED: Final = told(
    "reward.granted", "user:hostile", reward_id="R-1", points=7, reason=HOSTILE[:100]
)


@pytest.fixture(scope="module")
def _members(platform: RunningPlatform) -> None:
    answer = platform.post([*BOUGHT, GIVEN_BACK, REWARDED])
    assert answer.json()["rejected"] == []
    platform.settled()


@pytest.mark.usefixtures("_members")
class TestProgramme:
    """All look at the same members."""

    def test_a_balance_is_explained_to_the_last_change(self, console: Console) -> None:
        console.customer("user:member")
        page = console.page
        points = page.locator(".points")

        # 1 to 30 points, the bonus for the first purchase, and the last order given back.
        expect(points.locator(".facts dd").first).to_have_text("485")
        expect(points).to_contain_text("Return window485")
        expect(points).to_contain_text("Earned 515 − redeemed 0 − expired 0 − taken back 30")
        expect(points.locator(".lots li")).to_have_count(8)
        rows = points.locator("tbody tr")
        expect(rows).to_have_count(20)
        expect(rows.first).to_contain_text("Refund")
        expect(rows.first).to_contain_text("-30")
        points.get_by_role("button", name="Load more").click()
        expect(rows).to_have_count(31)
        expect(rows.last).to_contain_text("euro 1, first purchase 50")

    def test_a_statement_of_a_day_before_anything_is_empty(self, console: Console) -> None:
        console.customer("user:member")
        page = console.page
        expect(page.locator(".statement tbody tr")).to_have_count(20)

        page.get_by_label("as of").fill("2020-02-29")

        console.sees("0 changes up to the end of 29 Feb 2020: 0 points.")
        expect(page.locator(".statement")).to_be_hidden()

    def test_a_redemption_is_seen_without_a_reload(self, console: Console) -> None:
        platform = console.platform
        platform.post([bought("old", 90_000, "EUR", "user:spends") | {"occurred_at": LONG_AGO}])
        platform.settled()
        console.customer("user:spends")
        points = console.page.locator(".points")
        expect(points).to_contain_text("To spend950")

        found = platform.get("/v1/customers?identifier=user:spends")["items"][0]["customer_id"]
        spent = platform.client.post(
            f"/v1/customers/{found}/redemptions",
            json={"points": 500, "reason": "voucher"},
            headers=platform.reading | {"Idempotency-Key": "browser-1"},
        )
        assert spent.status_code == 201, spent.text

        expect(points).to_contain_text("To spend450")
        expect(points.locator("tbody tr").first).to_contain_text("Redemption")
        expect(points.locator("tbody tr").first).to_contain_text("voucher")

    def test_a_customer_s_stage_has_its_reasons(self, console: Console) -> None:
        console.customer("user:member")
        stands = console.page.locator(".stands")

        expect(stands).to_have_count(3)
        expect(stands.first.locator(".stage")).to_contain_text("Active since")
        expect(stands.first).to_contain_text("at least 2 orders")
        expect(stands.first).to_contain_text("Orders30")
        expect(stands.first).to_contain_text("At risk from")
        expect(console.page.locator(".profile .facts")).to_contain_text("StageActive")
        expect(console.page.locator(".profile .facts")).to_contain_text("TierSilver")

    def test_stages_lead_to_their_customers(
        self, console: Console, platform: RunningPlatform
    ) -> None:
        counted = {
            stage["stage"]: stage["customers"]
            for machine in platform.get("/v1/lifecycle")["machines"]
            for stage in machine["stages"]
        }
        console.open("#/lifecycle")
        page = console.page
        active = page.get_by_role("row", name="Active").locator("td").first
        expect(active).to_contain_text(str(counted["active"]))

        page.get_by_role("button", name="CRM cycle").click()
        expect(page.locator("tbody tr")).to_have_count(5)
        page.get_by_role("link", name="Convert").click()

        console.sees("CRM cycle: Convert ×")
        expect(page.locator("tbody tr").first).to_be_visible()
        expect(page.locator("tbody .who a")).to_have_count(counted["convert"])
        page.get_by_role("button", name="Remove filter").click()
        expect(page.locator("tbody a", has_text="Person").first).to_be_visible()

    def test_moves_are_counted_in_the_period_chosen(self, console: Console) -> None:
        console.open("#/lifecycle")
        page = console.page

        console.sees("Prospect → New")
        page.get_by_role("button", name="365 days").click()
        chosen = page.get_by_role("button", name="365 days")
        expect(chosen).to_have_attribute("aria-pressed", "true")
        console.sees("Prospect → New")

    def test_the_programme_shows_tiers_and_months(self, console: Console) -> None:
        console.open("#/loyalty")
        page = console.page

        expect(page.get_by_role("img", name="Points by month")).to_be_visible()
        expect(page.locator(".tiers li")).to_have_count(3)
        expect(page.locator(".months tbody tr").first).to_contain_text(f"{datetime.now(UTC):%b %Y}")
        console.sees("Points outstanding")
        page.get_by_role("link", name="Silver").click()

        console.sees("Silver ×")
        expect(page.locator("tbody a", has_text="Ada Lovelace")).to_be_visible()

    def test_what_a_stranger_wrote_is_text_here_too(self, console: Console) -> None:
        console.customer("user:hostile")
        page = console.page

        expect(page.locator(".statement")).to_contain_text(HOSTILE[:100])
        expect(page.locator(".lots")).to_be_visible()

        assert page.evaluate("window.ran ?? 'nothing'") == "nothing"
        assert page.locator("img, main script, iframe").count() == 0

    def test_it_is_all_said_in_chinese(self, tab: Callable[..., Console]) -> None:
        chinese = tab(locale="zh-CN")
        chinese.open("#/loyalty")
        chinese.sees("未用积分")
        chinese.go("#/lifecycle")
        chinese.sees("有流失风险")
        chinese.customer("user:member")

        chinese.sees("对账单")

    def test_it_fits_a_narrow_screen(self, tab: Callable[..., Console]) -> None:
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        found = {}
        for locale, scheme in (("en-GB", "light"), ("zh-CN", "dark")):
            narrow = tab(width=360, locale=locale, color_scheme=scheme)
            for who in ("user:hostile", "user:member"):
                narrow.customer(who)
                narrow.sees(narrow.page.locator(".statement tbody tr"))
                found[locale, who] = narrow.page.evaluate(overflow)
            for path, seen in (("#/lifecycle", ".stages tbody tr"), ("#/loyalty", ".tiers li")):
                narrow.go(path)
                narrow.sees(narrow.page.locator(seen))
                found[locale, path] = narrow.page.evaluate(overflow)

        assert found == dict.fromkeys(found, 0)
        assert len(found) == 8
