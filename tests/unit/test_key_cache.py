"""The vault's cache: bounded, and forgetful in time."""

from services.vault.cache import Cache


class Watch:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_what_was_put_is_found() -> None:
    cache: Cache[str, int] = Cache(10, 60)

    cache.put({"a": 1, "b": 2}, cache.removals)

    assert cache.get(["a", "b", "c"]) == {"a": 1, "b": 2}


def test_the_entries_used_last_stay() -> None:
    cache: Cache[str, int] = Cache(2, 60)
    cache.put({"a": 1, "b": 2}, cache.removals)
    cache.get(["a"])

    cache.put({"c": 3}, cache.removals)

    assert cache.get(["a", "b", "c"]) == {"a": 1, "c": 3}


def test_entries_grow_old_even_when_used() -> None:
    watch = Watch()
    cache: Cache[str, int] = Cache(10, 60, watch)
    cache.put({"a": 1}, cache.removals)

    watch.now_s = 60
    assert cache.get(["a"]) == {"a": 1}

    watch.now_s = 61
    assert cache.get(["a"]) == {}


def test_what_was_removed_is_forgotten() -> None:
    cache: Cache[str, int] = Cache(10, 60)
    cache.put({"a": 1, "b": 2}, cache.removals)

    cache.remove(["a", "unknown"])

    assert cache.get(["a", "b"]) == {"b": 2}


def test_what_was_removed_while_it_was_loaded_is_not_kept() -> None:
    cache: Cache[str, int] = Cache(10, 60)
    removals = cache.removals
    cache.remove(["a"])

    cache.put({"a": 1}, removals)

    assert cache.get(["a"]) == {}
