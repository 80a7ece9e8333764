"""Golden cases of tiers, worked by hand. How to read them: tests/golden_reader.py."""

from typing import Final

from tests.golden_reader import Golden

LEVELS: Final = """levels = [
    { name = "silver", threshold = 500 }, { name = "gold", threshold = 1000 } ]"""
PLAIN: Final = f"[tiers]\nwindow = {{ months = 12 }}\n{LEVELS}"
KEPT: Final = f"[tiers]\nwindow = {{ months = 12 }}\ngrace = {{ months = 3 }}\n{LEVELS}"
FASTER: Final = """
    [tiers]
    window = { months = 12 }
    levels = [
        { name = "bronze", threshold = 0 },
        { name = "silver", threshold = 500, percent = 150 },
        { name = "gold", threshold = 1000, percent = 200 },
    ]
"""
BY_RULE: Final = """
    [[earn]]
    name = "euro"
    currency = "EUR"
    per_minor = 100
    [[earn]]
    name = "tea"
    currency = "EUR"
    per_minor = 100
    categories = ["tea"]
    tier_percent = { silver = 300 }
    [tiers]
    window = { months = 12 }
    levels = [{ name = "silver", threshold = 500, percent = 110 }]
"""
HARDER: Final = """
    [tiers]
    window = { months = 12 }
    grace = { months = 3 }
    levels = [{ name = "silver", threshold = 2000 }, { name = "gold", threshold = 4000 }]
"""

TIERS: Final = [
    Golden("a tier's edge, to the point", PLAIN, """
        2026-01-10 10:00  buys A 499.99             = 499, tier none
        2026-01-11 10:00  buys B 1.00               = 500, tier silver
        2026-01-12 10:00  buys C 499.00             = 999, tier silver
        2026-01-13 10:00  buys D 1.00               = 1000, tier gold
        """),
    Golden("a tier's edge, to the second", PLAIN, """
        2026-01-10 10:00  buys A 500.00             = 500, tier silver, tier until 2027-01-10 10:00
        2027-01-10 09:59:59                         = 500, tier silver
        2027-01-10 10:00:00                         = 500, tier none
        """),
    Golden("the edge keeps its hour in Berlin, whatever the clocks do", PLAIN, """
        2026-03-29 12:00  buys A 500.00             = 500, tier silver
        2027-03-29 09:59:59Z                        = 500, tier silver
        2027-03-29 10:00:00Z                        = 500, tier none
        """, "Europe/Berlin"),
    Golden("a window that begins on a leap day ends on 28 February", PLAIN, """
        2028-02-29 12:00  buys A 500.00             = 500, tier silver
        2029-02-28 11:59:59                         = 500, tier silver
        2029-02-28 12:00:00                         = 500, tier none
        """, "Asia/Kolkata"),
    Golden("a window in Kathmandu counts Kathmandu's months",
        f"[tiers]\nwindow = {{ months = 1 }}\n{LEVELS}", """
        2026-01-30 18:30:00Z  buys A 500.00         = 500, tier silver
        2026-02-27 18:29:59Z                        = 500, tier silver
        2026-02-27 18:30:00Z                        = 500, tier none
        """, "Asia/Kathmandu"),
    Golden("grace begins when the points no longer suffice", KEPT, """
        2026-01-10 10:00  buys A 500.00             = 500, tier silver, tier until 2027-04-10 10:00
        2027-01-10 10:00                            = 500, tier silver, tier until 2027-04-10 10:00
        2027-04-10 09:59:59                         = 500, tier silver
        2027-04-10 10:00:00                         = 500, tier none
        """),
    Golden("after gold's grace comes silver, if its points suffice", KEPT, """
        2026-01-10 10:00  buys A 500.00             = 500, tier silver
        2026-03-10 10:00  buys B 500.00             = 1000, tier gold, tier until 2027-04-10 10:00
        2027-02-10 10:00                            = 1000, tier gold
        2027-04-10 10:00                            = 1000, tier silver, tier until 2027-06-10 10:00
        2027-06-10 10:00                            = 1000, tier none
        """),
    Golden("who buys in the grace keeps the tier for longer", KEPT, """
        2026-01-10 10:00  buys A 500.00             = 500, tier silver
        2027-03-10 10:00  buys B 500.00             = 1000, tier silver, tier until 2028-06-10 10:00
        """),
    Golden("a refund takes qualifying points; the tier is kept for the grace", KEPT, """
        2026-01-10 10:00  buys A 500.00             = 500, tier silver
        2026-02-10 10:00  refunds A 1.00            = 499, tier silver, tier until 2026-05-10 10:00
        2026-05-10 10:00                            = 499, tier none
        """),
    Golden("a refund without grace costs the tier at once", PLAIN, """
        2026-01-10 10:00  buys A 500.00             = 500, tier silver
        2026-02-10 10:00  refunds A 1.00            = 499, tier none
        """),
    Golden("a purchase given back as it is made never made a tier", KEPT, """
        2026-01-09 10:00  refunds A 500.00          = 0
        2026-01-10 10:00  buys A 500.00             = 0, tier none
        """),
    Golden("spending costs nobody a tier", KEPT, """
        2026-01-10 10:00  buys A 500.00             = 500, tier silver
        2026-01-11 10:00  redeems 500               = 0, tier silver
        """),
    Golden("presents, feedback and adjustments make no tier, unless they are to",
        "feedback = { points = 600 }\n" + PLAIN, """
        2026-01-10 10:00  gets 500                  = 500, tier none
        2026-01-11 10:00  adjusts 500               = 1000, tier none
        2026-01-12 10:00  answers csat              = 1600, tier none
        """),
    Golden("presents and feedback make a tier where the rules say so",
        "feedback = { points = 400 }\n" + PLAIN + '\nqualifying = ["grant", "feedback"]', """
        2026-01-10 10:00  gets 500                  = 500, tier silver
        2026-01-11 10:00  buys A 1000.00            = 1500, tier silver
        2026-01-12 10:00  answers csat              = 1900, tier silver
        2026-01-13 10:00  answers csat              = 2300, tier gold
        """),
    Golden("a purchase earns by the tier just before it", FASTER, """
        2026-01-10 10:00  buys A 500.00             = 500, tier silver
        2026-01-11 10:00  buys B 100.00             = 650, tier silver
        2026-01-12 10:00  buys C 234.00             = 1001, tier gold
        2026-01-12 10:00  buys D 10.00              = 1021
        2027-01-10 09:59:59  buys E 10.00           = 1041, tier gold
        2027-01-12 10:00  buys F 10.00              = 1051, tier bronze
        """),
    Golden("a rule may know a tier's percentage better", BY_RULE, """
        2026-01-10 10:00  buys A 500.00             = 500, tier silver
        2026-01-11 10:00  buys B 100.00 tea:10.00   = 640
        """),
    Golden("a policy that raises thresholds lets tiers be kept for the grace", KEPT, """
        2026-01-10 10:00  buys A 1000.00            = 1000, tier gold
        2026-06-01 00:00                            = 1000, tier gold, tier until 2026-09-01 00:00
        2026-08-31 23:59:59                         = 1000, tier gold
        2026-09-01 00:00                            = 1000, tier none
        """, later=(("2026-06-01 00:00", HARDER),)),
    Golden("a purchase told late makes the tier from its own day on", PLAIN, """
        2026-03-10 10:00  buys B 300.00             = 300, tier none
        2026-02-10 10:00  buys A 200.00             = 500, tier silver, tier until 2027-02-10 10:00
        """),
    Golden("points that expired still count for the tier",
        'expiry = { rule = "rolling", after = { months = 1 } }\n' + PLAIN, """
        2026-01-10 10:00  buys A 500.00             = 500, tier silver
        2026-02-10 10:00                            = 0, tier silver
        """),
]  # fmt: skip
