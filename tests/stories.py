"""Longer histories, drawn from a seed: many customers, shared devices, late events, regrouping."""

from random import Random

from services.vault.port import Vault
from tests.histories import History

VERBS = {
    "bought": 4,
    "called": 2,
    "described": 2,
    "refunded": 1,
    "cancelled": 1,
    "merged": 1,
    "split": 1,
}
"""How often each happens."""


def a_story(
    chance: Random, *, events: int, people: int = 12, vault: Vault | None = None
) -> History:
    """``events`` events of ``people`` who share a few devices."""
    history = History(vault)
    for verb in chance.choices([*VERBS], [*VERBS.values()], k=events):
        who, at = chance.randrange(people), chance.randrange(1000)
        named, order = _named(chance, who, people), f"o{chance.randrange(events)}"
        match verb:
            case "bought" | "refunded":
                amount_minor = chance.randrange(10_000 if verb == "bought" else 5_000)
                getattr(history, verb)(order, amount_minor, *named, at=at)
            case "cancelled":
                history.cancelled(order, *named, at=at)
            case "described":
                traits = {"name": f"Person {who}\t\\N", "city": chance.choice(["Ulm", None])}
                history.described(traits, *named, at=at)
            case "merged":
                other = (who + 1 + chance.randrange(people - 1)) % people
                history.merged(f"user:u{who}", f"user:u{other}", at=at)
            case "split":
                device = f"anonymous:device{chance.randrange(people // 2)}"
                history.split([f"user:u{who}"], [device], at=at)
            case _:
                history.called(*named, at=at)
    return history


def _named(chance: Random, who: int, people: int) -> list[str]:
    named = [f"user:u{who}"]
    if chance.random() < 0.5:
        named.append(f"email:p{who}@example.org")
    if chance.random() < 0.4:
        named.append(f"anonymous:device{chance.randrange(people // 2)}")
    return named[1:] or named if chance.random() < 0.2 else named
