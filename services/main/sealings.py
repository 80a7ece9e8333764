"""Sealed parts of a log, by which it is tried whether a vault is the one that opens it."""

from collections.abc import Iterator

from schemas.codec import Undecodable, decode
from services.log.port import Log, Position
from services.vault.backup import Sealing

FIRST, LAST = 10, 40
"""Records of each partition that are tried: a stale vault lacks the keys of the last."""


def sealings(log: Log, ends: Position) -> Iterator[Sealing]:
    """What is sealed in the first and the last records of each partition."""
    for partition, end in ends.items():
        for first, limit in ((0, FIRST), (max(FIRST, end - LAST), LAST)):
            for stored in log.read(partition, first, limit):
                try:
                    recorded = decode(stored.payload)
                except Undecodable:
                    continue
                if recorded.sealed is not None:
                    bound_to = f"{recorded.workspace}\0{recorded.source}\0{recorded.id}".encode()
                    yield Sealing(f"{partition}:{stored.offset}", recorded.sealed, bound_to)
