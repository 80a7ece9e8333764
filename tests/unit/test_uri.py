"""An address's parts, several servers too."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.settings import Settings
from services.store.urls import Urls
from services.uri import Parts, parts_of

APPENDIX_B = r"(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?"
"""Of RFC 3986."""


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("", Parts("", "", "", "")),
        ("KAFKA://a:1,b,[::1]:3/topic", Parts("kafka", "a:1,b,[::1]:3", "/topic", "")),
        ("kafka://[::1]:1,[::2]", Parts("kafka", "[::1]:1,[::2]", "", "")),
        ("postgresql:///d?host=/run", Parts("postgresql", "", "/d", "host=/run")),
        ("http://u:p@h:1/d?a=b&c#there", Parts("http", "u:p@h:1", "/d", "a=b&c")),
        ("broker:9092", Parts("broker", "", "9092", "")),
        ("/a\nb", Parts("", "", "/a\nb", "")),
        ("kafka://b:1\r\n", Parts("kafka", "b:1", "", "")),
    ],
)
def test_an_address_has_the_parts_that_rfc_3986_gives_it(uri: str, parts: Parts) -> None:
    assert parts_of(uri) == parts


@given(st.text(alphabet=":/?#[]@,a1\n"))
def test_every_text_has_the_parts_of_its_grammar(uri: str) -> None:
    found = re.fullmatch(APPENDIX_B, uri.strip("\n"), re.DOTALL)

    assert found is not None
    assert parts_of(uri) == found.groups("")


@pytest.mark.parametrize(
    "uri", ["kafka://a:1,[::1]:3/topic", "postgresql:///d?host=%2Frun&port=1", "http://u:p@h:1/d"]
)
def test_an_address_is_put_together_as_it_was(uri: str) -> None:
    assert parts_of(uri).uri == uri


@pytest.mark.parametrize(("authority", "is_sound"), [("a,[::1]:3", True), ("a,[::1", False)])
def test_an_address_is_sound_if_each_of_its_servers_is(authority: str, is_sound: bool) -> None:
    assert Parts("kafka", authority, "", "").is_sound is is_sound


def test_brokers_may_be_named_by_their_numbers() -> None:
    address = "kafka://a:1,[::1]:3"

    assert Settings(log_url=address).log_url == address


def test_servers_of_a_store_may_be_named_by_their_numbers() -> None:
    urls = Urls.acting_from("postgresql://o:secret@a:1,[::1]:3/d")

    assert urls.owner == "postgresql://o:secret@a:1,[::1]:3/d"
    assert urls.query.startswith("postgresql://o:secret@a:1,[::1]:3/d?options=-c%20role%3D")
    assert urls.of("e").owner == "postgresql://o:secret@a:1,[::1]:3/e"
