"""Gathering: all that a batch's events change, worked out in memory from the rows they touch."""

from collections.abc import Sequence

from services.fold.project import Growth, project
from services.fold.projection import AnyProjection
from services.fold.resolve import customers, resolve
from services.fold.settlements import settle_orders
from services.fold.sift import sift
from services.fold.take import Taken
from services.store.port import Changes, Transaction


def gather(taken: Taken, tx: Transaction, projections: Sequence[AnyProjection]) -> Changes:
    """Everything that the events in ``taken`` change, counts and checkpoints aside."""
    sifted = sift(read.event for read in taken.reads)
    settlements = settle_orders(sifted.by_order, tx)
    resolved = resolve(sifted, taken.known, taken.plain, tx)
    growth = Growth(sifted.by_leaf, settlements.by_leaf)
    found = customers(resolved, growth.leaves(), tx)
    changes = Changes(
        identifiers=resolved.changed,
        edges=resolved.edges,
        namings=resolved.namings,
        splits=sifted.splits,
        orders=settlements.orders,
        conflicted=sifted.conflicted,
        quarantined=sifted.quarantined,
        new_customers=found.new,
    )
    for projection in projections:
        facts, rows = project(projection, growth, found, tx)
        changes.facts[projection.name], changes.views[projection.view] = facts, rows
    changes.gone = found.members.keys() - {one for rows in changes.views.values() for one in rows}
    return changes
