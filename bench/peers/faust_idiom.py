"""Faust as its guide shows it: an agent takes event by event, and each is a transaction.

    python -m bench.peers.faust_idiom SERVER GROUP TOPIC STORE_URL EVENTS

Prints when the first was at hand, and when the last of ``EVENTS`` was committed.
"""

import asyncio
import logging
import sys
import tempfile
import time
from typing import Any

import faust
import psycopg

from bench.peers.events import POINT_MINOR
from bench.peers.sql import APPEND, COUNT, IS_NEW


class Purchase(faust.Record, serializer="json"):
    """What of an event is looked at."""

    id: str
    customer: str
    occurred_ms: int
    amount_minor: int


def made(server: str, group: str, topic: str, *, url: str, count: int) -> faust.App:
    """The app with its agent."""
    app = faust.App(
        group,
        broker=f"kafka://{server}",
        datadir=tempfile.gettempdir(),
        topic_allow_declare=False,
        topic_disable_leader=True,
    )

    @app.agent(app.topic(topic, value_type=Purchase))
    async def fold(purchases: Any) -> None:
        done = 0
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            async for purchase in purchases:
                if not done:
                    print(f"began {time.time():.3f}", flush=True)
                async with connection.transaction():
                    await folded(connection, purchase)
                done += 1
                if done == count:
                    print(f"ended {time.time():.3f}", flush=True)

    return app


async def folded(connection: "psycopg.AsyncConnection[Any]", purchase: Purchase) -> None:
    """Count it, unless it is known."""
    if (await connection.execute(IS_NEW, (purchase.id,))).rowcount:
        customer, amount_minor = purchase.customer, purchase.amount_minor
        await connection.execute(COUNT, (customer, amount_minor, purchase.occurred_ms))
        await connection.execute(APPEND, (purchase.id, customer, amount_minor // POINT_MINOR))


async def _run(app: faust.App) -> None:
    await app.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    _server, _group, _topic, _url, _count = sys.argv[1:]
    asyncio.run(_run(made(_server, _group, _topic, url=_url, count=int(_count))))
