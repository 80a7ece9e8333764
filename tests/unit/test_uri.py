"""An address's parts, several servers too."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.settings import Settings
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
    ],
)
def test_an_address_has_the_parts_that_rfc_3986_gives_it(uri: str, parts: Parts) -> None:
    assert parts_of(uri) == parts


@given(st.text(alphabet=":/?#[]@,a1\n"))
def test_every_text_has_the_parts_of_its_grammar(uri: str) -> None:
    found = re.fullmatch(APPENDIX_B, uri, re.DOTALL)

    assert found is not None
    assert parts_of(uri) == found.groups("")


def test_brokers_may_be_named_by_their_numbers() -> None:
    address = "kafka://a:1,[::1]:3"

    assert Settings(log_url=address).log_url == address
