"""A storm: members spend, give back, become one and part, while a month passes and things die.

All of it keeps pace with the redemptions, so that it happens among them however fast they are.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import httpx
import psycopg

from services.commands.ticker import EVERYWHERE, ticked
from services.errors import Unavailable
from services.ingest.receive import receive_control
from services.log.open import open_log
from services.vault.postgres import PostgresVault
from tests.integration.running import PATIENCE_S, Json, RunningPlatform

GIVEN: Final = 5_000
"""Points of each: more than are spent of anybody, so that nobody is refused."""
CLIENTS: Final = 8
PAUSE_S: Final = 0.02
_BROKEN: Final = {503, 504}
"""What is asked again, as a connection is that was refused or broke."""


class Month(NamedTuple):
    """How much happens."""

    members: int
    redemptions: int
    refunds: int
    """More than there are members, so that some orders are given back twice."""
    regroupings: int
    """Two of them to a pair of members, who may be fewer than there are."""
    days: int


class Redeemed(NamedTuple):
    """A redemption as it was answered."""

    member: str
    points: int
    answer: Json


class Storm:
    """Everybody who does something; what they were told is known for certain after it."""

    def __init__(self, platform: RunningPlatform, month: Month, *, seed: int) -> None:
        self.month = month
        self.redeemed: dict[str, Redeemed] = {}
        """By the key under which it was asked for."""
        self.outcomes: Counter[tuple[str, int]] = Counter()
        """How often each status was given to each kind of request; 0 is a broken connection."""
        self._platform, self._seed = platform, seed
        self._began_at = datetime.now(UTC).replace(second=0, microsecond=0)
        self._grown = threading.Condition()
        self._members: list[str] = []

    def enrol(self) -> None:
        """Let every member buy, and have points to spend."""
        bought = [_bought(number, self._began_at) for number in range(self.month.members)]
        position = self._platform.post(bought).headers["Touchline-Position"]
        for number in range(self.month.members):
            path = f"/v1/customers?identifier=user:m{number}"
            self._members.append(self._platform.get(path, position)["items"][0]["customer_id"])

        def give(number: int, client: httpx.Client) -> None:
            body = {"points": GIVEN, "reason": "given"}
            path = f"/v1/customers/{self._members[number]}/adjustments"
            self._ask(client, path, body, key=f"given-{number}")

        self._each(self.month.members, give)
        self._platform.wait_until(lambda: not pending(self._platform), "points are given")
        # In the log they are no points yet.
        self._platform.archived()

    @contextmanager
    def raging(self) -> Iterator[None]:
        """All at work; ends when all of it is done."""
        with ThreadPoolExecutor(4) as threads:
            all_of_it = [
                threads.submit(self._each, self.month.redemptions, self._redeem),
                threads.submit(self._alone, self.month.refunds, self._refund),
                threads.submit(self._alone, self.month.regroupings, self._regroup),
                threads.submit(self._alone, self.month.days, self._day),
            ]
            yield
            for one in all_of_it:
                one.result(PATIENCE_S)

    def wait_for(self, redemptions: int) -> None:
        """Come back when so many were answered."""
        with self._grown:
            assert self._grown.wait_for(lambda: len(self.redeemed) >= redemptions, PATIENCE_S)

    def asked_again(self) -> Mapping[str, Json]:
        """The answers to the same redemptions under the same keys, by key."""
        answers: dict[str, Json] = {}

        def again(number: int, client: httpx.Client) -> None:
            answers[f"storm-{number}"] = self._spend(number, client)

        self._each(self.month.redemptions, again)
        return answers

    def _redeem(self, number: int, client: httpx.Client) -> None:
        answer = self._spend(number, client)
        with self._grown:
            member, points = self._what(number)
            self.redeemed[f"storm-{number}"] = Redeemed(member, points, answer)
            self._grown.notify_all()

    def _spend(self, number: int, client: httpx.Client) -> Json:
        member, points = self._what(number)
        path = f"/v1/customers/{member}/redemptions"
        return self._ask(client, path, {"points": points}, key=f"storm-{number}")

    def _what(self, number: int) -> tuple[str, int]:
        chance = random.Random(self._seed * self.month.redemptions + number)
        return chance.choice(self._members), chance.randint(1, 3)

    def _refund(self, number: int, client: httpx.Client) -> None:
        """The first orders twice: of the second time a part is more than is left of them."""
        member = number % self.month.members
        data = {"order_id": f"o-{member}", "amount_minor": 6_000, "currency": "EUR"}
        event = _event(f"refund-{number}", "purchase.refunded", member, data)
        answer = self._answered(client, Request("refund", "/v1/events", [event], {200}, "write"))
        assert answer["rejected"] == [], answer

    def _regroup(self, number: int, client: httpx.Client) -> None:
        """Two become one and part again, but for every third pair.

        What is asked again after a broken answer may be done: then there is nothing to do.
        """
        pair, is_split = divmod(number, 2)
        path, other = f"/v1/customers/{self._members[2 * pair]}", f"user:m{2 * pair + 1}"
        if not is_split:
            asked = Request("merge", f"{path}/merge", {"merged": other}, {200, 202, 409})
        elif pair % 3:
            asked = Request("split", f"{path}/split", {"identifiers": [other]}, {200, 202, 422})
        else:
            return
        self._answered(client, asked)

    def _day(self, number: int, _client: httpx.Client) -> None:
        """Every hour of it."""
        first = self._began_at + timedelta(days=number, minutes=1)
        hours = [(EVERYWHERE, ticked(first + timedelta(hours=hour))) for hour in range(24)]
        while True:
            try:
                addresses = self._platform.addresses()
                vault = PostgresVault(addresses.store.fold, addresses.master_key)
                with closing(vault), closing(open_log(addresses.log)) as log:
                    receive_control(hours, datetime.now(UTC), vault=vault, log=log)
                return
            except Unavailable:
                threading.Event().wait(PAUSE_S)

    def _each(self, count: int, do: Callable[[int, httpx.Client], None]) -> None:
        """So many, by several clients at once."""

        def some(first: int) -> None:
            with self._client() as client:
                for number in range(first, count, CLIENTS):
                    do(number, client)

        with ThreadPoolExecutor(CLIENTS) as threads:
            list(threads.map(some, range(CLIENTS)))

    def _alone(self, count: int, do: Callable[[int, httpx.Client], None]) -> None:
        """So many by one client, spread over the redemptions."""
        with self._client() as client:
            for number in range(count):
                self.wait_for(number * self.month.redemptions // (count + 1))
                do(number, client)

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self._platform.client.base_url, timeout=30)

    def _ask(self, client: httpx.Client, path: str, body: Json, *, key: str) -> Json:
        """The answer to a command that must be done."""
        return self._answered(client, Request(key.partition("-")[0], path, body, {201}, key=key))

    def _answered(self, client: httpx.Client, request: "Request") -> Json:
        """Asks until it is answered."""
        headers = {"Authorization": f"Bearer {self._platform.keys[request.by]}"}
        if request.key:
            headers["Idempotency-Key"] = request.key
        while (answer := self._tried(client, request, headers)) is None:
            threading.Event().wait(PAUSE_S)
        assert answer.status_code in request.expected, (request, answer.text)
        found: Json = answer.json()
        return found

    def _tried(
        self, client: httpx.Client, request: "Request", headers: Mapping[str, str]
    ) -> httpx.Response | None:
        try:
            answer = client.post(request.path, json=request.body, headers=headers)
        except httpx.TransportError:
            self.outcomes[request.kind, 0] += 1
            return None
        self.outcomes[request.kind, answer.status_code] += 1
        return None if answer.status_code in _BROKEN else answer


class Request(NamedTuple):
    """What is asked, and the answers that it may have."""

    kind: str
    path: str
    body: object
    expected: Collection[int]
    by: str = "admin"
    key: str = ""


def pending(platform: RunningPlatform) -> int:
    """What is decided and not folded, or not in the log yet."""
    query = """
        SELECT (SELECT count(*) FROM touchline.pending_redemption)
             + (SELECT count(*) FROM touchline.outbox)
    """
    return int(rows(platform, query)[0][0])


def rows(platform: RunningPlatform, query: str) -> list[tuple[Any, ...]]:
    """What the owner sees."""
    with psycopg.connect(platform.addresses().store.owner) as connection:
        return connection.execute(query.encode()).fetchall()


def _bought(number: int, at: datetime) -> Json:
    data = {"order_id": f"o-{number}", "amount_minor": 10_000, "currency": "EUR"}
    bought = _event(f"bought-{number}", "purchase.completed", number, data)
    return bought | {"occurred_at": (at - timedelta(days=10)).isoformat()}


def _event(id_: str, type_: str, member: int, data: Json) -> Json:
    identifiers = [f"user:m{member}", f"email:m{member}@example.org"]
    return {
        "id": id_,
        "source": "shop",
        "type": type_,
        "identifiers": identifiers,
        "data": data,
    }
