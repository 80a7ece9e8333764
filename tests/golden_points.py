"""Golden cases of points, worked by hand. How to read them: tests/golden_reader.py."""

from typing import Final

from tests.golden_reader import Golden

YEAR: Final = 'expiry = { rule = "rolling", after = { months = 12 } }'
FORTNIGHT: Final = "return_window = { days = 14 }"

POINTS: Final = [
    Golden("a point for each whole euro, cents dropped once an order", "", """
        2026-01-10 10:00  buys A 19.99              = 19, available 19, debt 0, tier none
        2026-01-10 11:00  buys B 0.99               = 19
        2026-01-10 12:00  buys C 1.00 USD           = 19
        """),
    Golden("expiry takes the lot, not the balance", YEAR, """
        2026-01-10 10:00  buys A 100.00             = 100
        2026-06-10 10:00  buys B 50.00              = 150
        2027-01-10 09:59:59                         = 150
        2027-01-10 10:00:00                         = 50, available 50, expired 100
        2027-06-10 10:00                            = 0, expired 150
        """),
    Golden("expiry takes only what nobody spent", YEAR, """
        2026-01-10 10:00  buys A 100.00             = 100
        2026-06-10 10:00  buys B 50.00              = 150
        2026-07-01 10:00  redeems 80                = 70
        2027-01-10 10:00                            = 50, expired 20
        """),
    Golden("what expires first is spent first, though it was earned last", YEAR, """
        2026-01-10 10:00  buys A 100.00             = 100
        2026-06-10 10:00  buys B 50.00              = 150
        2026-06-20 10:00  redeems 50                = 100
        2026-07-10 10:00                            = 100, expired 0
        2027-01-10 10:00                            = 0, expired 100
        """,
        later=(("2026-06-01 00:00", 'expiry = { rule = "rolling", after = { months = 1 } }'),),
    ),
    Golden("a refund takes its points back", YEAR, """
        2026-01-10 10:00  buys A 100.00             = 100
        2026-01-11 10:00  buys B 50.00              = 150
        2026-01-12 10:00  refunds A 100.00          = 50, reversed 100
        """),
    Golden("refunds take back in proportion, rounded in the member's favour", YEAR, """
        2026-01-10 10:00  buys A 10.00              = 10
        2026-01-11 10:00  refunds A 0.01            = 10
        2026-01-12 10:00  refunds A 3.33            = 7
        2026-01-13 10:00  refunds A 6.66            = 0
        """),
    Golden("a refund of points that were spent makes a debt", YEAR, """
        2026-01-10 10:00  buys A 100.00             = 100
        2026-01-11 10:00  redeems 100               = 0, available 0, debt 0
        2026-01-12 10:00  refunds A 100.00          = -100, available 0, debt 100
        2026-01-13 10:00  buys B 30.00              = -70, available 0, debt 70
        2026-01-14 10:00  buys C 100.00             = 30, available 30, debt 0
        """),
    Golden("a refund of points that were spent takes others before it makes a debt", YEAR, """
        2026-01-10 10:00  buys A 100.00             = 100
        2026-01-11 10:00  redeems 100               = 0
        2026-01-12 10:00  buys B 60.00              = 60
        2026-01-13 10:00  refunds A 100.00          = -40, debt 40
        2026-01-14 10:00  refunds B 60.00           = -100, debt 100
        """),
    Golden("pending points pay a debt as well", FORTNIGHT, """
        2026-01-10 10:00  gets 10                   = 10
        2026-01-11 10:00  redeems 30                = -20, debt 20
        2026-01-12 10:00  buys A 50.00              = 30, pending 30, available 0, debt 0
        2026-01-26 10:00                            = 30, pending 0, available 30
        """),
    Golden("a refund that comes before its purchase waits for it", YEAR, """
        2026-01-10 10:00  refunds A 40.00           = 0
        2026-01-12 10:00  buys A 100.00             = 60
        2026-01-13 10:00  refunds A 60.00           = 0
        """),
    Golden("a cancellation that comes before its purchase waits for it", YEAR, """
        2026-01-10 10:00  cancels A                 = 0
        2026-01-12 10:00  buys A 100.00             = 0, earned 100, reversed 100
        """),
    Golden("a refund above the purchase takes nothing from other purchases", YEAR, """
        2026-01-10 10:00  buys A 100.00             = 100
        2026-01-10 11:00  buys B 10.00              = 110
        2026-01-11 10:00  refunds A 250.00          = 10, debt 0
        """),
    Golden("two refunds take back no more than the purchase gave", YEAR, """
        2026-01-10 10:00  buys A 100.00             = 100
        2026-01-11 10:00  refunds A 60.00           = 40
        2026-01-11 10:00  refunds A 60.00           = 0, debt 0
        2026-01-12 10:00  cancels A                 = 0, debt 0
        """),
    Golden("a cancellation takes back all that refunds left", YEAR, """
        2026-01-10 10:00  buys A 100.00             = 100
        2026-01-11 10:00  refunds A 33.33           = 67
        2026-01-12 10:00  cancels A                 = 0, reversed 100
        2026-01-13 10:00  refunds A 10.00           = 0, reversed 100
        """),
    Golden("a refund in another currency takes nothing", YEAR, """
        2026-01-10 10:00  buys A 100.00             = 100
        2026-01-11 10:00  refunds A 50.00 USD       = 100
        """),
    Golden("what expired is not asked for again", YEAR, """
        2026-01-10 10:00  buys A 100.00             = 100
        2026-02-10 10:00  redeems 40                = 60
        2027-01-10 10:00                            = 0, expired 60
        2027-01-11 10:00  refunds A 100.00          = -40, debt 40
        """),
    Golden("one order told by two sources, then voided at one and at both", YEAR, """
        2026-01-10 10:00  #s1 buys A 100.00 shop    = 100
        2026-01-10 10:05  #t1 buys A 100.00 till    = 100
        2026-01-11 10:00  voids s1                  = 100, earned 100
        2026-01-12 10:00  refunds A 25.00           = 75
        2026-01-13 10:00  voids t1                  = 0, earned 0
        """),
    Golden("a purchase that was voided before it was told", YEAR, """
        2026-01-09 10:00  voids s1                  = 0
        2026-01-10 10:00  #s1 buys A 100.00 shop    = 0
        2026-01-10 10:05  buys A 100.00 till        = 100
        """),
    Golden("a refund that is voided gives the points again", YEAR, """
        2026-01-10 10:00  buys A 100.00             = 100
        2026-01-11 10:00  #r1 refunds A 100.00      = 0
        2026-01-12 10:00  voids r1                  = 100
        """),
    Golden("a redemption that is voided gives the points back, with their own expiry", YEAR, """
        2026-01-10 10:00  buys A 100.00             = 100
        2026-02-10 10:00  #r1 redeems 60            = 40
        2026-02-11 10:00  voids r1                  = 100, redeemed 0
        2027-01-10 10:00                            = 0, expired 100
        """),
    Golden("adjusted by hand, up, down and to nothing", YEAR, """
        2026-01-10 10:00  buys A 100.00             = 100
        2026-01-11 10:00  adjusts 25                = 125, adjusted 25
        2026-01-12 10:00  adjusts -150              = -25, debt 25, adjusted -125
        2026-01-13 10:00  adjusts 0                 = -25, debt 25
        2026-01-14 10:00  adjusts 25                = 0, debt 0, available 0
        """),
    Golden("an adjustment takes pending points as well, a redemption does not", FORTNIGHT, """
        2026-01-10 10:00  buys A 100.00             = 100, pending 100
        2026-01-11 10:00  adjusts -30               = 70, pending 70, debt 0
        2026-01-12 10:00  redeems 20                = 50, pending 70, debt 20, available 0
        2026-01-24 10:00                            = 50, pending 0, debt 20, available 50
        """),
    Golden("a purchase of nothing, and refunds of it", YEAR, """
        2026-01-10 10:00  buys A 0.00               = 0
        2026-01-11 10:00  refunds A 5.00            = 0, debt 0
        2026-01-12 10:00  cancels A                 = 0, debt 0
        """),
    Golden("enormous purchases and adjustments stay exact",
        'earn = [{ name = "euro", currency = "EUR", per_minor = 1, points = 1000000 }]', """
        2026-01-10 10:00  buys A 10000000000.00     = 1000000000000
        2026-01-11 10:00  buys B 10000000000.00     = 2000000000000
        2026-01-12 10:00  adjusts 1000000000000     = 3000000000000
        2026-01-13 10:00  refunds A 0.01            = 2999999999999
        2026-01-14 10:00  redeems 1000000000000     = 1999999999999
        2026-01-15 10:00  adjusts -1000000000000    = 999999999999
        2026-01-16 10:00  cancels B                 = -1, debt 1
        """),
    Golden("redeemed on the second before a lot expires, and on the second it does", YEAR, """
        2026-01-10 10:00  buys A 100.00             = 100
        2027-01-10 09:59:59  redeems 30             = 70, available 70
        2027-01-10 10:00:00  redeems 20             = -20, expired 70, debt 20
        """),
    Golden("pending until the return window ends, to the second", FORTNIGHT, """
        2026-01-10 10:00  buys A 100.00             = 100, pending 100, available 0
        2026-01-24 09:59:59                         = 100, pending 100, available 0
        2026-01-24 10:00:00  redeems 40             = 60, pending 0, available 60, debt 0
        """),
    Golden("goods sent back in the return window leave nothing", FORTNIGHT, """
        2026-01-10 10:00  buys A 100.00             = 100, pending 100
        2026-01-20 10:00  refunds A 40.00           = 60, pending 60
        2026-01-21 10:00  cancels A                 = 0, pending 0, available 0, debt 0
        """),
    Golden("points that expire soon are pointed out", YEAR + "\nnotice_days = 30", """
        2026-01-10 10:00  buys A 100.00             = 100, expiring 0
        2026-02-01 10:00  buys B 50.00              = 150, expiring 0
        2026-12-11 09:59:59                         = 150, expiring 0
        2026-12-11 10:00:00                         = 150, expiring 100
        2027-01-05 10:00  redeems 70                = 80, expiring 80
        2027-01-10 10:00                            = 50, expiring 50
        """),
]  # fmt: skip
