"""The edge: rates, remembered keys, and bodies that are inflated within limits."""

import asyncio
import gzip
from collections.abc import Sequence

import pytest
from starlette.types import Message, Receive, Scope, Send

from services.edge import keys as keys_module
from services.edge import rate as rate_module
from services.edge.answers import answer
from services.edge.body import MAX_MEMBERS, BodyGuard
from services.edge.keys import TTL_S, CachedKeys, hashed
from services.edge.limits import Limits
from services.edge.rate import Rates
from services.errors import Limited, Malformed, Refused, TooLarge, Unavailable
from services.store.tenants import FoundKey

KEY = FoundKey("k_1", "shop", "write", "DE", "Europe/Berlin", "EUR")


class Ticking:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.at_s = 100.0

    def __call__(self) -> float:
        return self.at_s


class Store:
    """Keys that can be revoked, in a store that can go away."""

    def __init__(self) -> None:
        self.keys = {hashed("good"): KEY}
        self.asked = 0
        self.is_away = False

    def find(self, key_hash: bytes) -> FoundKey | None:
        self.asked += 1
        if self.is_away:
            raise Unavailable("connection refused")
        return self.keys.get(key_hash)


class TestRates:
    """One token bucket a key."""

    def test_a_burst_is_admitted_and_then_the_steady_rate(self) -> None:
        clock = Ticking()
        rates = Rates(Limits(requests_per_s=2, requests_burst=3), clock)

        for _ in range(3):
            rates.admit("k")
        with pytest.raises(Limited) as limited:
            rates.admit("k")
        clock.at_s += 0.5
        rates.admit("k")

        assert limited.value.retry_after_s == 1

    def test_one_key_does_not_use_up_anothers(self) -> None:
        rates = Rates(Limits(requests_per_s=1, requests_burst=1), Ticking())

        rates.admit("one")
        rates.admit("other")

        with pytest.raises(Limited):
            rates.admit("one")

    def test_the_key_quiet_for_longest_is_forgotten_first(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rate_module, "MAX_BUCKETS", 2)
        rates = Rates(Limits(requests_per_s=1, requests_burst=1), Ticking())

        for key in ("quiet", "busy", "new"):
            rates.admit(key)

        with pytest.raises(Limited):
            rates.admit("busy")
        rates.admit("quiet")


class TestCachedKeys:
    """Remembered for two seconds, found and unknown apart."""

    def test_a_key_is_looked_up_once_in_two_seconds(self) -> None:
        clock, store = Ticking(), Store()
        cached = CachedKeys(store, clock)

        found = [cached.find(hashed("good")) for _ in range(5)]
        unknown = [cached.find(hashed("bad")) for _ in range(5)]

        assert found == [KEY] * 5
        assert unknown == [None] * 5
        assert store.asked == 2

    def test_a_revoked_key_is_refused_and_a_new_one_known_after_two_seconds(self) -> None:
        clock, store = Ticking(), Store()
        cached = CachedKeys(store, clock)
        cached.find(hashed("good"))
        cached.find(hashed("new"))

        store.keys = {hashed("new"): KEY}
        clock.at_s += TTL_S

        assert cached.cached(hashed("good")) is None
        assert cached.find(hashed("good")) is None
        assert cached.find(hashed("new")) == KEY

    def test_a_store_that_is_away_is_never_taken_for_an_unknown_key(self) -> None:
        clock, store = Ticking(), Store()
        cached = CachedKeys(store, clock)
        store.is_away = True

        with pytest.raises(Unavailable):
            cached.find(hashed("good"))
        store.is_away = False

        assert cached.find(hashed("good")) == KEY

    def test_made_up_keys_do_not_push_out_those_in_force(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(keys_module, "MAX_CACHED", 10)
        store = Store()
        cached = CachedKeys(store, Ticking())
        cached.find(hashed("good"))

        for number in range(100):
            cached.find(hashed(f"made up {number}"))

        assert cached.cached(hashed("good")) == KEY
        assert len(cached._unknown) == 10


class TestBodies:
    """Inflated as they come."""

    @pytest.mark.parametrize("size", [1, 3, 10_000])
    def test_gzip_is_inflated_from_chunks_of_any_size(self, size: int) -> None:
        plain = b"".join(b'{"id":"%d"}\n' % number for number in range(1_000))

        assert read(chunked(gzip.compress(plain), size)) == plain

    def test_gzip_may_have_several_members(self) -> None:
        assert read([gzip.compress(b"one ") + gzip.compress(b"two")]) == b"one two"

    def test_gzip_of_a_great_many_members_is_refused(self) -> None:
        with pytest.raises(TooLarge):
            read([gzip.compress(b"") * (MAX_MEMBERS + 1)])

    def test_a_bomb_is_refused_before_it_is_inflated_whole(self) -> None:
        bomb = gzip.compress(b" " * 100_000_000)

        with pytest.raises(TooLarge):
            read(chunked(bomb, 1_000), Limits(inflate_free_bytes=5_000_000))

    def test_more_than_the_ratio_is_refused_once_it_is_much(self) -> None:
        limits = Limits(inflate_ratio=10, inflate_free_bytes=1_000)

        assert read([gzip.compress(b" " * 1_000)], limits) == b" " * 1_000
        with pytest.raises(TooLarge, match="more than 10 times"):
            read([gzip.compress(b" " * 5_000)], limits)

    @pytest.mark.parametrize(
        "content", [b"plain", gzip.compress(b"text", mtime=0)[:-1], b"\x1f\x8b"]
    )
    def test_gzip_that_is_none_is_malformed(self, content: bytes) -> None:
        with pytest.raises(Malformed):
            read([content])

    def test_after_the_body_only_the_end_of_the_connection_is_awaited(self) -> None:
        guarded = BodyGuard(unused, Limits(body_timeout_s=0.0))._guarded([], disconnected)

        async def messages() -> list[str]:
            return [(await guarded())["type"], (await guarded())["type"]]

        assert asyncio.run(messages()) == ["http.disconnect", "http.disconnect"]


def test_an_answer_shows_what_utf_8_can_not_carry_as_a_question_mark() -> None:
    assert answer(422, {"rejected": [{"id": "a\ud800", "value": 1}]}).body == (
        b'{"rejected":[{"id":"a?","value":1}]}'
    )


def read(chunks: Sequence[bytes], limits: Limits | None = None) -> bytes:
    """What an application reads of a gzip body that comes in ``chunks``; raises what it would."""
    waiting = [
        {"type": "http.request", "body": chunk, "more_body": index < len(chunks)}
        for index, chunk in enumerate(chunks, 1)
    ]

    async def receive() -> Message:
        return waiting.pop(0)

    async def all_of_it() -> bytes:
        guard = BodyGuard(unused, limits or Limits())
        guarded = guard._guarded([(b"content-encoding", b"gzip")], receive)
        body, is_more = b"", True
        while is_more:
            message = await guarded()
            body, is_more = body + message["body"], message["more_body"]
        return body

    return asyncio.run(all_of_it())


def chunked(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


async def unused(scope: Scope, receive: Receive, send: Send) -> None:
    raise Refused("is not called", "")


async def disconnected() -> Message:
    return {"type": "http.disconnect"}
