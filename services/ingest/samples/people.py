"""People we made up for households that are real but nameless: names, addresses and devices.

Mail goes to example.org and telephone numbers end in 555-0100 to 555-0199, which are nobody's.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from random import Random
from typing import Final

SEED: Final = 2017
"""Of all samples: another one would give the same ids other events."""
FIRST_NAMES: Final = (
    "Ada Alice Amara Anita Ben Bruno Carla Chen Clara Daniel Diego Elena Emeka Erik Fatima "
    "Felix Grace Hana Hugo Ines Ivan Jamal Joan Jonas Kamal Keiko Lara Leo Lin Luis Maria "
    "Mateo Maya Mina Nadia Nils Noor Olga Omar Paul Petra Priya Rafael Rosa Samir Sara Sofia "
    "Tariq Tess Tom Uma Vera Victor Wei Yara Yusuf Zoe"
).split()
LAST_NAMES: Final = (
    "Abbott Adeyemi Ahmed Andersson Baker Bauer Brooks Castillo Chowdhury Cole Costa Diaz "
    "Dubois Evans Fischer Fontaine Garcia Gupta Hansen Haddad Hughes Ito Jensen Johansson "
    "Kaplan Khan Kim Kowalski Larsen Lee Lopez Marino Meyer Mensah Moreau Nakamura Nguyen "
    "Novak Okafor Olsen Park Patel Pereira Quinn Ramos Rossi Sato Schmidt Silva Singh Tanaka "
    "Torres Vega Walker Weber Yilmaz Young Zhang"
).split()
AREA_CODES: Final = (
    "202 206 212 213 214 215 216 303 305 312 313 314 404 410 412 415 502 503 504 513 602 612 "
    "614 617 619 702 713 816 901 919"
).split()
LANGUAGES: Final = ("en", "en", "en", "en", "es")
SHARED_DEVICES: Final = 0.03
"""Share of households whose device is also that of the next one: a tablet handed around."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who we say a household is; the same for the same household and seed, for ever."""

    user: str
    card: str
    email: str
    phone: str
    device: str
    first_name: str
    last_name: str
    language: str
    mood: float
    """-1 (complains) to 1 (recommends)."""
    reads_mail: float
    """The share of mail that is opened."""

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


def user(household: int) -> str:
    """The login of a household, as the shared extracts of the data set write it."""
    return f"user:cj-{household}"


def card(household: int) -> str:
    """A loyalty card number derived from the household's, which is all that the data set has."""
    digits = int.from_bytes(blake2b(str(household).encode(), digest_size=5).digest()) % 10**10
    return f"card:44{digits:010}"


@lru_cache(maxsize=4096)
def person(household: int, seed: int) -> Person:
    """The person of a ``household``; pure."""
    random = Random(f"person {seed} {household}")
    first_name, last_name = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    is_shared = random.random() < SHARED_DEVICES
    area = AREA_CODES[household // 100 % len(AREA_CODES)]
    return Person(
        user=user(household),
        card=card(household),
        email=f"email:{first_name}.{last_name}.{household}@example.org".lower(),
        phone=f"phone:+1{area}55501{household % 100:02}",
        device=_device(household + 1 if is_shared else household, seed),
        first_name=first_name,
        last_name=last_name,
        language=random.choice(LANGUAGES),
        mood=max(-1.0, min(1.0, random.gauss(0.35, 0.45))),
        reads_mail=random.betavariate(2, 3),
    )


def _device(household: int, seed: int) -> str:
    return f"anonymous:{blake2b(f'device {seed} {household}'.encode(), digest_size=12).hexdigest()}"
