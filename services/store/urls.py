"""Where the store is, for each of the three roles that use it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

OWNER: Final = "touchline"
"""The superuser of the embedded server; migrates, and makes and renames schemas."""
FOLD: Final = "touchline_fold"
"""Log, folds, relay, archive feed, vault and keys: passes row-level security, owns nothing."""
QUERY: Final = "touchline_query"
"""Query and commands: under row-level security, owns nothing."""
SEARCH_PATH: Final = "live,touchline,public"


@dataclass(frozen=True, slots=True, repr=False)
class Urls:
    """Connection strings of one database; they hold passwords, so they are never shown."""

    owner: str
    fold: str
    query: str

    @classmethod
    def acting_from(cls, owner: str, *, fold: str = "", query: str = "") -> Self:
        """A store given by one address: roles without one of their own are taken on at log-in."""
        return cls(owner, fold or acting_as(FOLD, owner), query or acting_as(QUERY, owner))

    @classmethod
    def embedded(cls, server: tuple[str, int], passwords: Mapping[str, str], database: str) -> Self:
        """The embedded ``server``: its address, or the folder of its socket, and its port."""
        host, port = server
        place = f"/{database}?host={quote(host, safe='')}&port={port}"
        owner, fold, query = (
            f"postgresql://{role}:{quote(passwords[role], safe='')}@{place}"
            for role in (OWNER, FOLD, QUERY)
        )
        return cls(owner, fold, query)

    def of(self, database: str) -> Self:
        """The same server and roles, another database."""
        owner, fold, query = (
            urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
            for url in (self.owner, self.fold, self.query)
        )
        return type(self)(owner, fold, query)

    def __repr__(self) -> str:
        return "Urls(…)"


def acting_as(role: str, url: str) -> str:
    """``url`` with ``role`` taken on at log-in, and the search path that the role would have."""
    parts = urlsplit(url)
    settings = dict(parse_qsl(parts.query))
    given = settings.pop("options", "")
    settings["options"] = f"{given} -c role={role} -c search_path={SEARCH_PATH}".strip()
    return urlunsplit(parts._replace(query=urlencode(settings, quote_via=quote)))
