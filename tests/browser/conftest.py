"""One platform with a few people in it, and one Chromium, for all tests of the pages."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.console import ARGUMENTS, MISSING, Console, chromium, people
from tests.integration.running import RunningPlatform

HERE: Final = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser all these tests are skipped, in one line that says how to get one."""
    if chromium() is None:
        for item in items:
            if item.path.parent == HERE:
                item.add_marker(pytest.mark.skip(reason=MISSING))


# Closed after its module: as long as Playwright runs, nobody else may have an event loop here.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    with RunningPlatform(tmp_path_factory.mktemp("console") / "data") as platform:
        platform.start()
        people(platform)
        yield platform


@pytest.fixture
def tab(browser: Browser, platform: RunningPlatform) -> Iterator[Callable[..., Console]]:
    """Opens tabs; once the test is over none may have complained or asked somebody else."""
    tabs: list[Console] = []

    def opened(**options: Any) -> Console:
        tabs.append(Console(browser, platform, **options))
        return tabs[-1]

    yield opened
    for tab in tabs:
        tab.context.close()
    assert [problem for tab in tabs for problem in tab.problems] == []


@pytest.fixture
def console(tab: Callable[..., Console]) -> Console:
    """An English tab of usual size."""
    return tab()
