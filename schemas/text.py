"""Small pieces of the sentences that timelines show."""

from decimal import Decimal

from babel.numbers import format_currency, get_currency_precision


def counted(number: int, noun: str) -> str:
    """``1 item``, ``3 items``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def money(amount_minor: int, currency: str) -> str:
    """An amount with its currency's own number of digits, like €12.50 or ¥1,250."""
    return format_currency(
        Decimal(amount_minor).scaleb(-get_currency_precision(currency)), currency, locale="en"
    )


def duration(seconds: int) -> str:
    """``45 s``, ``3 min 20 s``, ``1 h 05 min``."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def of_campaign(what: str, campaign_id: str | None) -> str:
    """``what``, and of which campaign where one is known."""
    return f"{what} ({campaign_id})" if campaign_id else what
