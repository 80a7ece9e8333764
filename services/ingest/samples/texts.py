"""What simulated people say: a few sentences of ours for every mood."""

from random import Random
from typing import Final

TOPICS: Final = ("delivery", "billing", "product", "store", "loyalty_card", "opening_hours")
COMPLAINTS: Final = (
    "The bill shows an item twice and nobody at the till could help.",
    "Half of the fruit was spoilt when I got home.",
    "I have been waiting for my refund for more than a week now.",
    "The coupon from your letter was refused, this is the second time.",
    "Your queue is terrible, I hung up after twenty minutes.",
    "If this is not solved I will shop somewhere else and close my card.",
)
QUESTIONS: Final = (
    "Are you open on the holiday?",
    "Where do I see the points on my card?",
    "Can I return an item without the receipt?",
    "Do you still have the bread from last week?",
    "How do I change the address of my account?",
)
PRAISE: Final = (
    "Very friendly staff, thank you!",
    "Everything was fresh and the queue was short.",
    "Quick answer and a solution, just as it should be.",
    "I like the new bakery very much.",
)
INDIFFERENT: Final = (
    "It was fine.",
    "Prices went up a little, the rest is as always.",
    "Fine, but parking is difficult.",
)
REPLIES: Final = (
    "We are sorry for the trouble. A colleague looks into it today.",
    "Thank you for telling us, we have corrected the bill.",
    "Your refund is on its way and will arrive within three days.",
    "We checked with the store and credited your card.",
)


def remark(random: Random, score: float) -> str:
    """What somebody writes beside a ``score`` from 0 (worst) to 1 (best)."""
    if score < 0.5:
        return random.choice(COMPLAINTS)
    return random.choice(PRAISE if score > 0.8 else INDIFFERENT)
