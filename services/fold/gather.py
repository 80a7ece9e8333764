"""Gathering: all that a batch's events change, worked out in memory from the rows they touch."""

from services.fold.project import Growth, Projected, project
from services.fold.read_models import ReadModels
from services.fold.resolve import customers, resolve
from services.fold.rules import Shelf
from services.fold.run import How, Work, run_courses
from services.fold.settlements import settle_orders
from services.fold.sift import sift
from services.fold.take import Taken
from services.store.course import CourseChanges
from services.store.port import Changes, Transaction


def gather(taken: Taken, tx: Transaction, models: ReadModels, shelf: Shelf, *, how: How) -> Changes:
    """Everything that the events in ``taken`` change, counts and checkpoints aside."""
    sifted = sift(read.event for read in taken.reads)
    settlements = settle_orders(sifted.by_order, tx)
    resolved = resolve(sifted, taken.known, taken.plain, tx)
    growth = Growth(sifted.by_leaf, settlements.by_leaf)
    leaves = growth.leaves() | sifted.entries.keys() | settlements.owners()
    found = customers(resolved, leaves, tx)
    changes = Changes(
        identifiers=resolved.changed,
        edges=resolved.edges,
        namings=resolved.namings,
        splits=sifted.splits,
        orders=settlements.orders,
        conflicted=sifted.conflicted,
        quarantined=sifted.quarantined,
        new_customers=found.new,
        regrouped=set() if how.is_replay else resolved.regrouped(),
        course=CourseChanges(sifted.tick, sifted.rules),
        touches=sifted.touches,
    )
    projected: dict[str, Projected] = {}
    for projection in models.projections:
        projected[projection.name] = done = project(
            projection, growth, found, tx, is_backlog=how.is_backlog and not sifted.rules
        )
        changes.facts[projection.name] = done.encoded
        if view := projection.view:
            changes.views[view.table] = done.rows
            changes.gone[view.table] = found.members.keys() - done.rows.keys() - found.new
    time = shelf.time(tx.courses, sifted.tick, sifted.rules)
    work = Work(sifted, settlements, resolved, found, projected, changes, tx)
    run_courses(work, models.courses, time, how)
    return changes
