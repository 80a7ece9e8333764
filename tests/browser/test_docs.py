"""The API's documentation in a real browser: its policy lets it work, and no key outlives it."""

from playwright.sync_api import expect

from tests.browser.console import Console


def test_a_call_is_tried_with_a_key_that_is_forgotten_with_the_page(console: Console) -> None:
    page, key = console.page, console.platform.keys["secret"]
    page.goto(console.url + "docs")

    page.locator(".auth-wrapper button.authorize").first.click()
    page.locator(".auth-container input").first.fill(key)
    page.locator(".auth-btn-wrapper button.authorize").first.click()
    page.locator(".auth-btn-wrapper button.btn-done").first.click()
    call = page.locator(".opblock", has=page.locator("[data-path='/v1/status']"))
    call.locator(".opblock-summary-control").click()
    call.locator("button.execute").click()
    expect(call.locator(".live-responses-table .response > td").first).to_have_text("200")
    kept = page.evaluate("[localStorage, sessionStorage, document.cookie].map(JSON.stringify)")

    assert not any(key in where for where in kept)
    assert not any(key in address for address in console.asked)
    assert f"{console.url}v1/status" in console.asked
