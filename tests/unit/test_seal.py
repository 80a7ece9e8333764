"""Hashing, sealing and opening."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import BadRecord
from services.vault.port import DataKey
from services.vault.seal import digest, hash_identifier, seal, unseal

HASH_KEY = bytes(range(32))
KEY = DataKey("k-1", bytes(reversed(range(32))))
PLACE = b"default\0shop\0o-1001"


@given(st.binary(max_size=500), st.binary(max_size=50))
def test_what_was_sealed_opens_again(plain: bytes, bound_to: bytes) -> None:
    sealed = seal(KEY, plain, bound_to=bound_to)

    assert unseal(KEY.secret, sealed, bound_to=bound_to) == plain


def test_a_sealed_part_names_its_key_and_shows_nothing() -> None:
    sealed = seal(KEY, b"Ada Lovelace", bound_to=PLACE)

    assert sealed.key_id == "k-1"
    assert b"Ada" not in sealed.ciphertext
    assert sealed != seal(KEY, b"Ada Lovelace", bound_to=PLACE)


@pytest.mark.parametrize(
    ("secret", "ciphertext", "bound_to"),
    [
        pytest.param(bytes(32), None, PLACE, id="another key"),
        pytest.param(KEY.secret, None, b"default\0shop\0o-1002", id="another event"),
        pytest.param(KEY.secret, b"", PLACE, id="nothing"),
        pytest.param(KEY.secret, bytes(11), PLACE, id="less than a nonce"),
        pytest.param(KEY.secret, bytes(12), PLACE, id="only a nonce"),
        pytest.param(KEY.secret, bytes(40), PLACE, id="other bytes"),
    ],
)
def test_what_does_not_fit_is_a_bad_record(
    secret: bytes, ciphertext: bytes | None, bound_to: bytes
) -> None:
    sealed = seal(KEY, b"Ada Lovelace", bound_to=PLACE)
    if ciphertext is not None:
        sealed = msgspec.structs.replace(sealed, ciphertext=ciphertext)

    with pytest.raises(BadRecord, match="k-1"):
        unseal(secret, sealed, bound_to=bound_to)


def test_a_changed_bit_is_a_bad_record() -> None:
    sealed = seal(KEY, b"Ada", bound_to=PLACE)
    flipped = bytes([*sealed.ciphertext[:-1], sealed.ciphertext[-1] ^ 1])

    with pytest.raises(BadRecord):
        unseal(KEY.secret, msgspec.structs.replace(sealed, ciphertext=flipped), bound_to=PLACE)


def test_hashes_never_change() -> None:
    # A known answer: with another one every stored identifier and digest is a stranger.
    assert hash_identifier(HASH_KEY, "default", "user", "42") == "0745929937f0429547048261a5082322"
    assert digest(HASH_KEY, b'{"id":"o-1001"}') == "5a8da6e4d8cf7da0179207ca59500abc"


def test_hashes_sort_by_strength() -> None:
    kinds = ["user", "email", "phone", "loyalty_card", "anonymous"]

    hashes = [hash_identifier(HASH_KEY, "default", kind, "42") for kind in kinds]

    assert sorted(hashes) == hashes
    assert [hash_[0] for hash_ in hashes] == ["0", "1", "2", "3", "4"]


def test_every_part_of_an_identifier_tells() -> None:
    variants = [
        hash_identifier(HASH_KEY, "default", "user", "42"),
        hash_identifier(bytes(32), "default", "user", "42"),
        hash_identifier(HASH_KEY, "other", "user", "42"),
        hash_identifier(HASH_KEY, "default", "employee", "42"),
        hash_identifier(HASH_KEY, "default", "user", "43"),
        hash_identifier(HASH_KEY, "default", "user", "42", epoch=1),
        hash_identifier(HASH_KEY, "default", "user", "user\x0042"),
    ]

    assert len({variant[1:] for variant in variants}) == len(variants)
    assert all(len(variant) == 32 for variant in variants)


def test_an_identifiers_hash_is_never_a_digest() -> None:
    named = b"0\0default\0user\x0042"

    assert digest(HASH_KEY, named)[1:] != hash_identifier(HASH_KEY, "default", "user", "42")[1:]


def test_a_data_key_is_not_shown() -> None:
    assert repr(replace(KEY, secret=b"very secret")) == "DataKey('k-1', …)"
