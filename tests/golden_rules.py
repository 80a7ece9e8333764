"""Golden cases of earning, expiry by calendar, and changing rules. See tests/golden_reader.py."""

from typing import Final

from tests.golden_points import YEAR
from tests.golden_reader import Golden

MONTH: Final = 'expiry = { rule = "rolling", after = { months = 1 } }'
DAY: Final = 'expiry = { rule = "rolling", after = { days = 1 } }'
END_OF_YEAR: Final = 'expiry = { rule = "end_of_year" }'
IDLE: Final = 'expiry = { rule = "inactivity", after = { months = 6 } }'
CAPPED: Final = """
    earn = [{ name = "euro", currency = "EUR", per_minor = 100, most_per_day = 100 }]
"""
FIRST: Final = "first_purchase_points = 50"
MIXED: Final = """
    earn = [
        { name = "euro", currency = "EUR", per_minor = 100 },
        { name = "tea", currency = "EUR", per_minor = 100, points = 2, categories = ["tea"] },
        { name = "store", currency = "EUR", per_minor = 1000, channels = ["store"] },
    ]
"""
WEEKEND: Final = """
    earn = [{ name = "euro", currency = "EUR", per_minor = 100, boosts = [
        { from_at = 2026-11-28T00:00:00+01:00, until_at = 2026-11-30T00:00:00+01:00, percent = 250 }
    ] }]
"""

RULES: Final = [
    Golden("a month after 31 January is the last of February", MONTH, """
        2026-01-31 12:00  buys A 100.00             = 100
        2026-02-28 11:59:59                         = 100
        2026-02-28 12:00:00                         = 0
        """),
    Golden("in a leap year that is the 29th", MONTH, """
        2028-01-31 12:00  buys A 100.00             = 100
        2028-02-29 11:59:59                         = 100
        2028-02-29 12:00:00                         = 0
        """),
    Golden("a year after 29 February is 28 February", YEAR, """
        2028-02-29 12:00  buys A 100.00             = 100
        2029-02-28 11:59:59                         = 100
        2029-02-28 12:00:00                         = 0
        """),
    Golden("a year keeps its hour when the clocks were changed in between", MONTH, """
        2026-03-15 10:00  buys A 100.00             = 100
        2026-04-15 07:59:59Z                        = 100
        2026-04-15 08:00:00Z                        = 0
        """, "Europe/Berlin"),
    Golden("an hour that the clocks leave out moves forward", DAY, """
        2026-03-28 02:30  buys A 100.00             = 100
        2026-03-29 01:29:59Z                        = 100
        2026-03-29 01:30:00Z                        = 0
        """, "Europe/Berlin"),
    Golden("of an hour that comes twice it is the first", DAY, """
        2026-10-24 02:30  buys A 100.00             = 100
        2026-10-25 00:29:59Z                        = 100
        2026-10-25 00:30:00Z                        = 0
        """, "Europe/Berlin"),
    Golden("the year ends at midnight in Kolkata, at half past six UTC", END_OF_YEAR, """
        2026-12-31 18:29:59Z  buys A 100.00         = 100
        2026-12-31 18:30:00Z  buys B 10.00          = 10, expired 100
        2027-12-31 18:29:59Z                        = 10
        2027-12-31 18:30:00Z                        = 0
        """, "Asia/Kolkata"),
    Golden("a month in Kathmandu counts Kathmandu's days, at 05:45 before UTC", MONTH, """
        2026-01-30 18:30:00Z  buys A 100.00         = 100
        2026-02-27 18:29:59Z                        = 100
        2026-02-27 18:30:00Z                        = 0
        """, "Asia/Kathmandu"),
    Golden("the end of the next year", 'expiry = { rule = "end_of_year", years = 1 }', """
        2026-01-01 00:00  buys A 100.00             = 100
        2026-12-31 23:59:59  buys B 10.00           = 110
        2027-12-31 23:59:59                         = 110
        2028-01-01 00:00:00                         = 0
        """, "Europe/Berlin"),
    Golden("all points live as long as the member is active", IDLE, """
        2026-01-10 10:00  buys A 100.00             = 100
        2026-07-10 09:59:59  buys B 10.00           = 110
        2026-07-10 10:00                            = 110
        2027-01-10 09:59:58                         = 110
        2027-01-10 09:59:59                         = 0, expired 110
        """),
    Golden("to redeem is to be active, to be refunded is not", IDLE, """
        2026-01-10 10:00  buys A 100.00             = 100
        2026-06-10 10:00  redeems 30                = 70
        2026-09-10 10:00  refunds A 10.00           = 60
        2026-12-10 09:59:59                         = 60
        2026-12-10 10:00:00                         = 0
        """),
    Golden("no more than the day's cap, and a new day begins at local midnight", CAPPED, """
        2026-05-10 23:00  buys A 80.00              = 80
        2026-05-10 23:59:59  buys B 80.00           = 100
        2026-05-11 00:00:00  buys C 80.00           = 180
        """, "Europe/Berlin"),
    Golden("midnight in Kathmandu is 18:15 UTC", CAPPED, """
        2026-05-10 18:14:59Z  buys A 150.00         = 100
        2026-05-10 18:15:00Z  buys B 150.00         = 200
        """, "Asia/Kathmandu"),
    Golden("a refund does not give the day's room back", CAPPED, """
        2026-05-10 10:00  buys A 100.00             = 100
        2026-05-10 11:00  cancels A                 = 0
        2026-05-10 12:00  buys B 100.00             = 0
        """),
    Golden("a day of 25 hours is one day", CAPPED, """
        2026-10-25 00:00  buys A 90.00              = 90
        2026-10-25 22:30:00Z  buys B 90.00          = 100
        2026-10-25 23:00:00Z  buys C 90.00          = 190
        """, "Europe/Berlin"),
    Golden("the first purchase's bonus goes back with it, in proportion", FIRST, """
        2026-01-10 10:00  buys A 100.00             = 150
        2026-01-11 10:00  buys B 100.00             = 250
        2026-01-12 10:00  refunds A 50.00           = 175
        2026-01-13 10:00  refunds A 50.00           = 100
        2026-01-14 10:00  buys C 10.00              = 110
        """),
    Golden("a purchase told late may turn out to be the first", FIRST, """
        2026-01-10 10:00  buys B 100.00             = 150
        2026-01-05 10:00  buys A 20.00              = 170
        2026-01-11 10:00  cancels A                 = 100
        """),
    Golden("a first purchase that was free gives its bonus and takes it along", FIRST, """
        2026-01-10 10:00  buys A 0.00               = 50
        2026-01-11 10:00  refunds A 1.00            = 50
        2026-01-12 10:00  cancels A                 = 0
        """),
    Golden("a reward costs points", YEAR, """
        2026-01-10 10:00  buys A 600.00             = 600
        2026-01-11 10:00  gets 0 for 500            = 100, redeemed 500
        2026-01-12 10:00  gets 0 for 150            = -50, debt 50
        """),
    Golden("points that are a present expire like others", YEAR, """
        2026-01-10 10:00  gets 200                  = 200, available 200, earned 200
        2027-01-10 10:00                            = 0
        """),
    Golden("feedback gives points up to the day's cap, and none from browsers",
        "feedback = { points = 10, surveys = ['csat', 'nps'], most_per_day = 25 }", """
        2026-01-10 10:00  answers csat              = 10
        2026-01-10 10:01  answers csat browser      = 10
        2026-01-10 10:02  answers review            = 10
        2026-01-10 10:03  answers nps               = 20
        2026-01-10 10:04  answers csat              = 25
        2026-01-11 00:00  answers csat              = 35
        """),
    Golden("categories and channels earn on top, of what they cost", MIXED, """
        2026-01-10 10:00  buys A 10.00              = 10
        2026-01-11 10:00  buys B 10.00 tea:4.00 cake:6.00  = 28
        2026-01-12 10:00  buys C 5.00 tea:8.00      = 43
        2026-01-13 10:00  buys D 29.99 store        = 74
        """),
    Golden("a boost holds from its first instant to before its last", WEEKEND, """
        2026-11-27 22:59:59Z  buys A 10.00          = 10
        2026-11-27 23:00:00Z  buys B 10.99          = 37
        2026-11-29 22:59:59Z  buys C 10.00          = 62
        2026-11-29 23:00:00Z  buys D 10.00          = 72
        """, "Europe/Berlin"),
    Golden("a policy applies from its instant on, to what happens then", YEAR, """
        2026-05-31 23:59:59  buys A 100.00          = 100
        2026-06-01 00:00:00  buys B 100.00          = 300
        2026-07-01 00:00                            = 100
        2026-07-02 00:00  refunds A 50.00           = 50
        2027-05-31 23:59:59                         = 0
        """, "Europe/Berlin", later=(("2026-06-01 00:00", """
            earn = [{ name = "euro", currency = "EUR", per_minor = 50 }]
            expiry = { rule = "rolling", after = { months = 1 } }
            """),)),
    Golden("points by hand, before there is any rule to earn", "earn = []", """
        2026-01-10 10:00  buys A 100.00             = 0, tier none
        2026-01-11 10:00  adjusts 20                = 20
        2036-01-11 10:00                            = 20
        """),
]  # fmt: skip
