"""What everybody does who keeps the feed's progress; a test of one inherits this."""

from services.archive.port import Progress


class ProgressContract:
    """The subclass gives ``progress``: the projector is at 1:10 and 2:5, and left out 1:3, 1:8."""

    def test_nothing_is_archived_at_first(self, progress: Progress) -> None:
        assert progress.epoch() == ""
        assert dict(progress.archived()) == {}
        assert dict(progress.expected()) == {}
        assert dict(progress.pending()) == {}

    def test_it_knows_what_the_projector_did(self, progress: Progress) -> None:
        assert {1: 10, 2: 5}.items() <= dict(progress.checkpoints()).items()
        assert progress.skipped(1, 0, 9) == {3, 8}
        assert progress.skipped(1, 4, 8) == {8}
        assert progress.skipped(1, 4, 7) == set()
        assert progress.skipped(2, 0, 9) == set()

    def test_a_plan_is_pending_until_it_is_done(self, progress: Progress) -> None:
        progress.plan({1: (0, 4), 2: (0, 1)})
        assert dict(progress.pending()) == {1: (0, 4), 2: (0, 1)}
        assert {partition for partition, end in progress.archived().items() if end} == set()

        progress.done()

        assert dict(progress.pending()) == {}
        assert dict(progress.archived()) == {1: 5, 2: 2}
        assert dict(progress.expected()) == {1: 4, 2: 2}

    def test_plans_follow_each_other(self, progress: Progress) -> None:
        progress.plan({1: (0, 4)})
        progress.done()
        progress.plan({1: (5, 9), 2: (0, 4)})
        progress.done()

        assert dict(progress.archived()) == {1: 10, 2: 5}
        assert dict(progress.expected()) == {1: 8, 2: 5}

    def test_a_reset_forgets_everything_but_the_epoch(self, progress: Progress) -> None:
        progress.plan({1: (0, 4)})
        progress.done()
        progress.plan({1: (5, 6)})

        progress.reset("another")

        assert progress.epoch() == "another"
        assert dict(progress.archived()) == {}
        assert dict(progress.pending()) == {}
