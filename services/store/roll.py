"""The roll: who has a row, a page at a time."""

from collections.abc import Iterator
from typing import Final

from services.store.reader import Reader

_PAGES: Final = {
    "lifecycle": """
SELECT customer_id FROM lifecycle
WHERE workspace = %(workspace)s AND customer_id > %(after)s::uuid
ORDER BY customer_id LIMIT %(size)s
""",
    "loyalty": """
SELECT customer_id FROM loyalty
WHERE workspace = %(workspace)s AND customer_id > %(after)s::uuid
ORDER BY customer_id LIMIT %(size)s
""",
}


def customers(reader: Reader, workspace: str, course: str, size: int) -> Iterator[list[str]]:
    """The customers that have a row of ``course``, by id; raises ``Unavailable``."""
    after = "0" * 32
    while True:
        with reader.reading(workspace) as reading:
            page = [one for (one,) in reading.rows(_PAGES[course], after=after, size=size)]
        if not page:
            return
        yield page
        after = page[-1]
