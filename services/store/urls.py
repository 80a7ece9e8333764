"""Where the store is, for each of the three roles that use it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import parse_qsl, quote, urlencode

from services.uri import parts_of

OWNER: Final = "touchline"
"""The superuser of the embedded server; migrates, and makes and renames schemas."""
FOLD: Final = "touchline_fold"
"""Log, folds, relay, archive feed, vault and keys: passes row-level security, owns nothing."""
QUERY: Final = "touchline_query"
"""Query and commands: under row-level security, owns nothing."""
TAKEN_ON: Final[Mapping[str, Mapping[str, str]]] = {
    FOLD: {
        "search_path": "live,touchline,public",
        "statement_timeout": "60s",
        "idle_in_transaction_session_timeout": "5s",
    },
    QUERY: {
        "search_path": "live,touchline,public",
        "statement_timeout": "10s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "5s",
    },
}
"""What 0001_roles.sql gives a role that logs in, for one that is taken on by another user."""


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

    @property
    def may_migrate(self) -> bool:
        """Whether the owner's address is known.

        A cluster's services are given their roles' alone, the fold's in the place of the owner's.
        """
        return self.owner not in {self.fold, self.query}

    def of(self, database: str) -> Self:
        """The same server and roles, another database."""
        owner, fold, query = (
            parts_of(url)._replace(path=f"/{database}").uri
            for url in (self.owner, self.fold, self.query)
        )
        return type(self)(owner, fold, query)

    def __repr__(self) -> str:
        return "Urls(…)"


def acting_as(role: str, url: str) -> str:
    """``url`` with ``role`` taken on at log-in, and the settings that the role would have."""
    parts = parts_of(url)
    query = dict(parse_qsl(parts.query))
    settings = {"role": role, **TAKEN_ON[role]}
    options = [
        query.get("options", ""),
        *(f"-c {name}={value}" for name, value in settings.items()),
    ]
    query["options"] = " ".join(options).strip()
    return parts._replace(query=urlencode(query, quote_via=quote)).uri
