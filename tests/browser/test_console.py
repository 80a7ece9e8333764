"""The console in a real browser: what is seen, what moves by itself, and what never runs."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.console import Console
from tests.browser.people import HOSTILE, bought, told
from tests.integration.running import RunningPlatform


def test_it_asks_for_a_key_and_explains_one_of_another_kind(console: Console) -> None:
    page, keys = console.page, console.platform.keys
    console.expected = {401}
    page.goto(console.url)
    field, problem = page.get_by_label("Secret"), page.get_by_role("alert")

    page.keyboard.press("Enter")
    expect(problem).to_contain_text("Paste a key first")
    field.fill(keys["write"])
    page.keyboard.press("Enter")
    expect(problem).to_contain_text("This is a write key")
    field.fill("tl_secret_madeup")
    page.keyboard.press("Enter")
    expect(problem).to_contain_text("not known here")
    # A whole line of what up shows.
    field.fill(f"│  secret   {keys['secret']}  │")
    page.keyboard.press("Enter")

    console.sees("Every event, accounted for")


def test_the_key_stays_in_its_tab_until_it_is_forgotten(console: Console) -> None:
    console.unlock()
    page, key = console.page, console.platform.keys["secret"]

    kept = page.evaluate("[sessionStorage, localStorage, document.cookie].map(JSON.stringify)")
    page.get_by_role("button", name="Forget key").click()
    console.sees("Paste a secret key")
    page.reload()
    console.sees("Paste a secret key")

    assert [key in where for where in kept] == [True, False, False]
    assert not any(key in address for address in console.asked)
    assert page.evaluate("JSON.stringify(sessionStorage)") == "{}"


def test_a_key_that_was_revoked_is_asked_for_again(console: Console) -> None:
    console.expected = {401}
    console.open()

    console.page.evaluate("sessionStorage.setItem('touchline.key', 'tl_secret_gone')")

    console.sees("This key is not known here")


def test_the_account_adds_up_and_the_last_touched_are_seen_first(console: Console) -> None:
    console.open()
    page = console.page
    console.sees("It adds up.")

    terms = page.locator(".sum strong").all_inner_texts()
    numbers = [int(term.replace(",", "")) for term in terms]

    assert numbers[0] == sum(numbers[1:]) > 70
    expect(page.locator(".people a").first).to_have_text("Ada Lovelace")
    expect(page.get_by_role("img", name="Events applied a second")).to_be_visible()


def test_customers_are_found_by_part_of_a_name_or_an_identifier(console: Console) -> None:
    console.open("#/customers")
    page = console.page
    names = page.locator("tbody a")
    expect(names).to_have_count(50)

    page.get_by_role("button", name="Load more").click()
    expect(names).not_to_have_count(50)
    page.get_by_label("Search customers").fill("lovel")
    expect(names).to_have_text(["Ada Lovelace"])
    row = page.locator("tbody tr").inner_text()
    page.get_by_label("Search customers").fill("ada@example.org")
    expect(names).to_have_text(["Ada Lovelace"])
    page.get_by_label("Search customers").fill("nobody by this name")

    console.sees("Nobody found")
    assert all(each in row for each in ("ada@example.org", "€1,234.56", "JP¥5,000"))


def test_a_customer_shows_who_it_is_and_what_happened(console: Console) -> None:
    console.customer("user:ada")
    page = console.page

    expect(page.get_by_role("heading", level=1)).to_have_text("Ada Lovelace")
    expect(page.locator(".facts").first).to_contain_text("€1,234.56")
    expect(page.locator(".members")).to_contain_text("ada@example.org")
    expect(page.locator(".bars")).to_contain_text("Purchase")
    console.sees("It would join two logins")
    expect(page.locator(".touch", has_text="Bought order A-2 for ¥5,000")).to_have_count(1)
    city = page.locator(".traits > div", has_text="London")
    city.hover()
    expect(city.locator(".source")).to_be_visible()
    expect(city.locator(".source")).to_contain_text("Told by crm")


def test_a_timeline_shows_the_families_chosen_and_text_when_asked(console: Console) -> None:
    console.customer("user:ada")
    page = console.page
    expect(page.locator(".touch").first).to_be_visible()
    assert not page.get_by_text("Where is my order?").is_visible()

    page.get_by_role("button", name="Message").click()
    page.get_by_label("Show what was written").check()

    expect(page.locator(".touch")).to_have_count(1)
    console.sees("Where is my order?")


def test_what_a_stranger_wrote_is_text_and_runs_nothing(console: Console) -> None:
    page = console.page
    console.open()
    console.sees(HOSTILE)
    console.go("#/customers")
    console.sees(HOSTILE)
    page.locator("tbody a", has_text="onerror").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    page.get_by_label("Show what was written").check()
    console.sees(page.locator("blockquote", has_text=HOSTILE))
    console.sees(f"Bought order {HOSTILE} for €1.00")
    console.sees("Custom event img_src_x_onerror")
    page.get_by_role("button", name="Sources").click()
    expect(page.locator(".traits").get_by_text(f"Told by {HOSTILE}").first).to_be_visible()

    assert page.evaluate("window.ran ?? 'nothing'") == "nothing"
    assert page.locator("img, main script, iframe").count() == 0


def test_markup_could_not_be_made_of_text_even_by_mistake(console: Console) -> None:
    console.open()

    with pytest.raises(Exception, match="TrustedHTML"):
        console.page.evaluate("() => { document.body.innerHTML = '<b>no</b>' }")

    console.problems.clear()


def test_it_speaks_english_and_chinese(tab: Callable[..., Console]) -> None:
    chinese = tab(locale="zh-CN")
    chinese.open()
    chinese.sees("每个事件，都有着落")
    page = chinese.page

    page.get_by_role("button", name="English").click()
    chinese.sees("Every event, accounted for")
    page.reload()
    chinese.sees("Every event, accounted for")
    page.get_by_role("button", name="中文").click()
    page.get_by_role("link", name="客户", exact=True).click()

    chinese.sees(page.get_by_role("columnheader", name="最近接触"))
    assert page.evaluate("document.documentElement.lang") == "zh-CN"


def test_an_event_that_comes_in_is_seen_without_a_reload(console: Console) -> None:
    platform, page = console.platform, console.page
    console.customer("user:crowd-07")
    expect(page.locator(".touch")).to_have_count(1)
    page.evaluate("window.loaded = 'once'")

    platform.post([bought("N-1", 4200, "EUR", "user:crowd-07")])
    console.sees("Bought order N-1 for €42.00")
    expect(page.locator(".facts").first).to_contain_text("€42.00")
    console.go("#/customers")
    expect(page.locator("tbody tr").first).to_contain_text("Person 07")
    platform.post([told("customer.identified", "user:new", personal={"name": "Newcomer"})])

    expect(page.locator("tbody a").first).to_have_text("Newcomer")
    assert page.evaluate("window.loaded") == "once"


def test_a_dead_letter_is_corrected_and_sent_again(console: Console) -> None:
    console.expected = {422}
    console.open()
    page = console.page
    page.get_by_role("link", name="Dead letters 1").click()
    console.sees("its id was recorded before with another body")
    page.locator("summary").click()
    editor = page.get_by_label("The event as JSON")
    written = editor.input_value()

    editor.fill(written.replace("}", "", 1))
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("alert")).to_contain_text("This is no JSON")
    editor.fill(written.replace("200", "-200"))
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("alert")).to_contain_text("data.amount_minor")
    editor.fill(written.replace('"letter"', '"letter-corrected"'))
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("alert")).to_contain_text("Taken in as letter-corrected")
    page.locator("summary").click()
    page.get_by_role("button", name="Open").click()

    console.sees("Every event was taken in")
    expect(page.locator(".badge")).to_be_hidden()


def test_it_rests_while_nobody_looks(console: Console) -> None:
    page = console.page
    page.clock.install()
    console.open()
    console.sees("It adds up.")

    page.evaluate(
        "Object.defineProperty(document, 'hidden', { get: () => window.away, configurable: true })"
    )
    page.evaluate("window.away = true; document.dispatchEvent(new Event('visibilitychange'))")
    console.sees("Paused")
    before = len(console.asked)
    page.clock.run_for(60_000)
    resting = len(console.asked) - before
    with page.expect_request("**/v1/status"):
        page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")

    assert resting == 0
    console.sees("Live")


def test_the_keyboard_is_enough(console: Console) -> None:
    console.open("#/customers")
    page = console.page
    page.get_by_label("Search customers").focus()

    page.keyboard.type("Ada Love")
    expect(page.locator("tbody a")).to_have_text(["Ada Lovelace"])
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("tbody a")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Ada Lovelace")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.tagName") in {"A", "BUTTON"}


def test_it_fits_a_narrow_screen(tab: Callable[..., Console]) -> None:
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    found = {}

    for locale, scheme in (("en-GB", "light"), ("zh-CN", "dark")):
        narrow = tab(width=360, locale=locale, color_scheme=scheme)
        narrow.customer("user:hostile")
        narrow.sees(narrow.page.locator(".touch"))
        found[locale, "customer"] = narrow.page.evaluate(overflow)
        for path, seen in (
            ("#/", ".people a"),
            ("#/customers", "tbody a"),
            ("#/dead-letters", "h1"),
        ):
            narrow.go(path)
            narrow.sees(narrow.page.locator(seen))
            found[locale, path] = narrow.page.evaluate(overflow)

    assert len(found) == 8
    assert set(found.values()) == {0}


def test_its_files_are_kept_by_the_browser_and_answers_are_not(platform: RunningPlatform) -> None:
    client, secret = platform.client, {"Authorization": f"Bearer {platform.keys['secret']}"}

    page = client.get("/")
    script = client.get("/console/main.js")
    again = client.get("/console/main.js", headers={"If-None-Match": script.headers["etag"]})
    answer = client.get("/v1/customers", headers=secret)
    beyond = client.get("/console/..%2fpages.py")

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert (again.status_code, again.content) == (304, b"")
    assert answer.headers["cache-control"] == "no-store"
    assert beyond.status_code == 404
