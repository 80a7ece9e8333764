"""Longer histories, drawn from a seed: many customers, shared devices, late events, merges and splits."""

from random import Random

from tests.histories import History


def a_story(chance: Random, *, events: int, people: int = 12) -> History:
    """``events`` events of ``people`` who share a few devices."""
    history = History()
    while len(history.events) < events:
        who = chance.randrange(people)
        at = chance.randrange(1000)
        named = [f"user:u{who}"]
        if chance.random() < 0.5:
            named.append(f"email:p{who}@example.org")
        if chance.random() < 0.4:
            named.append(f"anonymous:device{chance.randrange(people // 2)}")
        if chance.random() < 0.2:
            named = named[1:] or named
        order = f"o{chance.randrange(events)}"
        match chance.randrange(12):
            case 0 | 1 | 2 | 3:
                history.bought(order, chance.randrange(10_000), *named, at=at)
            case 4:
                history.refunded(order, chance.randrange(5_000), *named, at=at)
            case 5:
                history.cancelled(order, *named, at=at)
            case 6 | 7:
                history.described(
                    {"name": f"Person {who}\t\\N", "city": chance.choice(["Ulm", None])},
                    *named,
                    at=at,
                )
            case 8:
                other = (who + 1 + chance.randrange(people - 1)) % people
                history.merged(f"user:u{who}", f"user:u{other}", at=at)
            case 9:
                history.split(
                    [f"user:u{who}"], [f"anonymous:device{chance.randrange(people // 2)}"], at=at
                )
            case _:
                history.called(*named, at=at)
    return history
