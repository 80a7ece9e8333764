"""Advisory locks: each has a number of its own, wherever it is taken."""

import re
from collections import Counter
from pathlib import Path

import services

NUMBER = re.compile(r"^\w+(?:: Final)? = (7_102_\d+)$", re.MULTILINE)


def test_no_two_locks_have_one_number() -> None:
    sources = Path(services.__file__).parent.rglob("*.py")

    numbers = Counter(number for path in sources for number in NUMBER.findall(path.read_text()))

    assert len(numbers) > 5
    assert [number for number, count in numbers.items() if count > 1] == []
