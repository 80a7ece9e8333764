"""What every adapter of the scores port promises to alerts, beside what it promises to scores."""

from datetime import timedelta

from services.store.alerts import AlertRow
from services.store.course import CourseChanges, RuleRow
from services.store.scores import ALWAYS_DUE, DECIDED, Page, ScoreChanges
from tests.contract.scores import AT, PAGE, ROW, A, B, C, Room, ScoresContract

ALERT = AlertRow(
    "shop", "silence.a", A, "silence", 1, "warning", "us", AT, AT, {"silent.days": 14}, ["e-1"],
    is_restated=False,
)  # fmt: skip


class AlertsContract(ScoresContract):
    """The port's promises, all of them."""

    def test_alerts_are_found_by_customer_the_oldest_first(self, room: Room) -> None:
        later = ALERT._replace(alert_id="silence.b", began_at=AT + timedelta(days=1))
        self.save(room, alerts=[later, ALERT, ALERT._replace(alert_id="x", customer_id=C)])

        with room.scores.transaction() as tx:
            assert list(tx.alerts({A, B})) == [ALERT, later]
            closed = ALERT._replace(closed_at=AT, closed_by="scoring", reason="recovered")
            tx.save(ScoreChanges(alerts=[closed]))

        with room.scores.transaction() as tx:
            assert list(tx.alerts({A})) == [closed, later]

    def test_outcomes_are_asked_for_when_they_may_be_known(self, room: Room) -> None:
        known = ALERT._replace(alert_id="silence.b", outcome="left", outcome_due_at=None)
        self.save(room, alerts=[ALERT._replace(outcome_due_at=AT), known])

        with room.scores.transaction() as tx:
            assert list(tx.to_judge(AT, 9)) == [A]
            assert not tx.to_judge(AT - timedelta(seconds=1), 9)

    def test_other_rules_make_all_rows_of_their_workspace_due(self, room: Room) -> None:
        self.save(
            room, rows=[ROW._replace(due_at=None, alerts=b"stood"),
                        ROW._replace(customer_id=B, workspace="b")],
        )  # fmt: skip

        self.save(room, books={"shop": "digest"})

        with room.scores.transaction() as tx:
            assert tx.books() == {"shop": "digest"}
            assert list(tx.due(ALWAYS_DUE, 9)) == [A]
            assert tx.rows({A})[A].alerts == b"stood"

    def test_rules_and_what_they_ask_about_come_from_the_folds(self, room: Room) -> None:
        rule = RuleRow("shop", "alert", "quiet", AT, "touchline", "p", 1, None, b"{}")
        with room.scores.transaction() as tx:
            before = tx.revision()
            assert not tx.rules()

        machine = rule._replace(kind="lifecycle", name="default", id="m")
        others = [rule._replace(kind="segment"), machine._replace(name="crm")]

        self.folded(room, course=CourseChanges(AT, [rule, machine, *others]))

        with room.scores.transaction() as tx:
            assert tx.revision() != before
            assert sorted(tx.rules()) == [rule, machine]

    def test_what_was_decided_is_no_page_of_a_history(self, room: Room) -> None:
        decided = Page(A, DECIDED, "shop", b"decided")
        self.save(room, pages=[PAGE, decided])

        with room.scores.transaction() as tx:
            assert tx.pages({A, B}) == [PAGE]
            assert tx.decided({A, B}) == [decided]
            tx.save(ScoreChanges(pages=[decided._replace(entries=b"more")]))

        with room.scores.transaction() as tx:
            assert [page.entries for page in tx.decided({A})] == [b"more"]
