"""The console's files: what a browser may do with them; their words and colours are whole."""

import itertools
import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Final

import pytest

from services.query.dashboards.pages import INDEX, STATIC, found, served

PAGES: Final = dict(found(STATIC))
SCRIPTS: Final = {
    path: page.content.decode() for path, page in PAGES.items() if path.endswith(".js")
}
WORDS: Final = tuple(
    tuple(f"words/{part}{of}.js" for part in ("", "watch.")) for of in ("en", "zh")
)
"""The files of each language."""
MARKUP: Final = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser"
    r"|\beval\(|new Function|srcdoc|javascript:"
)
READ_ON: Final = (
    ("ink soft accent good bad", "paper card sunk"),
    ("trade mail voice service person other", "card"),
    ("accent", "tint"),
    ("on-accent", "accent"),
)
AA: Final = 4.5
"""Web Content Accessibility Guidelines 2.2, 1.4.3: contrast of text."""


@pytest.mark.parametrize("path", PAGES)
def test_a_file_runs_nothing_else_and_is_asked_for_again(path: str) -> None:
    first = served(PAGES[path], None)
    same = served(PAGES[path], f'"other", W/{PAGES[path].etag}')
    other = served(PAGES[path], '"other"')

    policy = first.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["referrer-policy"] == "no-referrer"
    assert first.headers["cache-control"] == "no-cache"
    assert (same.status_code, same.body) == (304, b"")
    assert (other.status_code, other.body) == (200, PAGES[path].content)


def test_no_file_names_another_host() -> None:
    named = {
        address
        for page in PAGES.values()
        for address in re.findall(r"\w+://[^\s'\"<>]+", page.content.decode())
    }

    assert named == {"http://www.w3.org/2000/svg"}


def test_text_is_never_made_markup() -> None:
    assert {
        path: MARKUP.findall(text) for path, text in SCRIPTS.items() if MARKUP.search(text)
    } == {}


def test_the_page_holds_no_script_and_no_style_of_its_own() -> None:
    page = PAGES[INDEX].content.decode()

    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", page) == []


def test_everything_that_is_imported_is_there() -> None:
    page = PAGES[INDEX].content.decode()
    wanted = {link.removeprefix("console/") for link in re.findall(r'(?:src|href)="([^"]+)"', page)}
    for path, text in SCRIPTS.items():
        for name in re.findall(r"from '([^']+)'", text):
            wanted.add(_resolved(PurePosixPath(path).parent, name))

    assert wanted <= set(PAGES)
    assert set(PAGES) - wanted == {INDEX}


def test_both_languages_have_the_same_words() -> None:
    english, chinese = (_words(paths) for paths in WORDS)

    assert set(english) == set(chinese)
    assert {name for name in english if _blanks(english[name]) != _blanks(chinese[name])} == set()


def test_every_word_that_is_asked_for_is_there_and_none_is_left_over() -> None:
    words = set(_words(WORDS[0]))
    text = "".join(text for path, text in SCRIPTS.items() if not path.startswith("words/"))
    asked = set(re.findall(r"\bt\('([\w.-]+)'", text))
    quoted = set(re.findall(r"'([\w.-]+)'", text))
    composed = {made for made in re.findall(r"`([\w.]+)\$\{", text) if made.endswith(".")}

    assert asked <= words
    assert {
        word for word in words - quoted if not any(word.startswith(made) for made in composed)
    } == set()


def test_all_text_has_enough_contrast_in_light_and_in_dark() -> None:
    style = PAGES["base.css"].content.decode()
    colours = {
        name: (light, dark)
        for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", style)
    }

    poor = {
        (text, ground): round(contrast, 2)
        for texts, grounds in READ_ON
        for text, ground, mode in itertools.product(texts.split(), grounds.split(), (0, 1))
        if (contrast := _contrast(colours[text][mode], colours[ground][mode])) < AA
    }

    assert poor == {}


def _resolved(folder: PurePosixPath, name: str) -> str:
    return str(folder.parent / name[3:] if name.startswith("../") else folder / name[2:])


def _words(paths: Iterable[str]) -> dict[str, str]:
    entry = r"'([\w.-]+)': ('(?:[^']*)'|\{[^}]*\{n\}.*?\})(?=,)"
    found = [one for path in paths for one in re.findall(entry, SCRIPTS[path])]
    assert len(dict(found)) == len(found), "a word is written once"
    return dict(found)


def _blanks(words: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", words))


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
