"""Where targets may be: no machine of a private network, by whatever spelling."""

import pytest

from services.commands.target_address import checked, is_public, shown
from services.errors import Refused
from services.store.targets import Kind

PRIVATE = """
127.0.0.1 127.1.2.3 0.0.0.0 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254
100.64.0.1 100.100.100.200 192.0.0.192 198.18.0.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255
192.0.2.1 198.51.100.1 203.0.113.1
::1 :: fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254 ff02::1 fec0::1 2001:db8::1
::ffff:127.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe
64:ff9b:1::1 2002:7f00:1:: 2002:a00:1:: 2001:0:4136:e378:8000:63bf:80ff:fffe
""".split()
PUBLIC = "93.184.216.34 1.1.1.1 2606:4700::1111 ::ffff:1.1.1.1 64:ff9b::101:101".split()


@pytest.mark.parametrize("address", PRIVATE)
def test_what_only_this_machine_reaches_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org",
        "https://example.org:8443/a/b?c=d",
        "https://xn--bcher-kva.example/",
        "https://93.184.216.34/",
        "https://[2606:4700::1111]/",
    ],
)
def test_an_address_of_the_internet_is_kept_as_it_is(address: str) -> None:
    assert checked("webhook", address, may_be_private=False) == address


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("", "does not begin|names no host"),
        ("example.org", "names no host"),
        ("https://", "names no host"),
        ("http://example.org", "does not begin with https"),
        ("ftp://example.org", "does not begin with https"),
        ("file:///etc/passwd", "names no host"),
        ("https://user:secret@example.org", "has a user"),
        ("https://user@example.org", "has a user"),
        ("https://example.org/#x", "fragment"),
        ("https://example.org:99999/", "is no address"),
        ("https://example.org\\@10.0.0.1/", "characters"),
        ("https://example.org/a b", "characters"),
        ("https://example.org/\r\nHost: x", "characters"),
        ("https://bücher.example/", "characters"),
        ("https://127.0.0.1/", "private network"),
        ("https://[::1]/", "private network"),
        ("https://localhost/", "private network"),
        ("https://a.localhost:8080/", "private network"),
        ("https://169.254.169.254/latest/meta-data/", "private network"),
        (f"https://example.org/{'x' * 2000}", "too long"),
    ],
)
def test_what_is_no_such_address_is_refused_and_not_repeated(address: str, complaint: str) -> None:
    with pytest.raises(Refused, match=complaint) as refused:
        checked("webhook", address, may_be_private=False)

    assert "secret" not in str(refused.value)
    assert refused.value.problem.field == "address"


def test_ones_own_network_is_allowed_by_setting() -> None:
    for address in ("http://127.0.0.1:9000/hook", "https://10.0.0.1/", "http://localhost/"):
        assert checked("webhook", address, may_be_private=True) == address


@pytest.mark.parametrize("address", ["Team@Example.org", "a.b+c@example.org"])
def test_a_mailbox_is_one_plain_address(address: str) -> None:
    assert checked("email", address, may_be_private=False) == address.lower()


@pytest.mark.parametrize(
    "address", ["nobody", "a@b@c", "a@x.org, b@x.org", "A <a@x.org>", "a@x.org\nBcc: b@x.org", "@x"]
)
def test_several_mailboxes_are_refused(address: str) -> None:
    with pytest.raises(Refused):
        checked("email", address, may_be_private=False)


@pytest.mark.parametrize(
    ("kind", "address", "expected"),
    [
        ("slack", "https://hooks.slack.com/services/T0/B0/secret", "https://hooks.slack.com/…"),
        ("webhook", "https://example.org:8443/x?token=secret", "https://example.org:8443/…"),
        ("email", "team@example.org", "t…@example.org"),
    ],
)
def test_what_is_shown_gives_nothing_away(kind: Kind, address: str, expected: str) -> None:
    assert shown(kind, address) == expected
