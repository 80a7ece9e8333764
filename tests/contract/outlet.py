"""What every outlet promises."""

from collections.abc import Callable, Sequence

import pytest

from services.log.outlet import Outbound, Outlet

Sent = Callable[[], Sequence[Outbound]]
"""What those who read the topic have by now."""


def outbound(key: str, number: int) -> Outbound:
    return Outbound(key.encode(), b"%d" % number, {"ce_id": f"{key}-{number}", "ce_type": "told"})


class OutletContract:
    """Inherited by the tests of each adapter, which give ``outlet`` and ``sent``."""

    @pytest.fixture
    def outlet(self) -> Outlet:
        raise NotImplementedError

    @pytest.fixture
    def sent(self) -> Sent:
        raise NotImplementedError

    def test_what_is_sent_can_be_read_whole_once_it_returns(
        self, outlet: Outlet, sent: Sent
    ) -> None:
        outlet.send([outbound("ada", 1)])

        assert [*sent()] == [outbound("ada", 1)]

    def test_records_of_a_key_are_read_in_the_order_in_which_they_were_sent(
        self, outlet: Outlet, sent: Sent
    ) -> None:
        keys = [f"customer-{number}" for number in range(7)]
        for first in range(0, 60, 20):
            outlet.send([outbound(key, first + number) for number in range(20) for key in keys])

        found = sent()
        for key in keys:
            values = [record.value for record in found if record.key == key.encode()]
            assert values == [b"%d" % number for number in range(60)]
