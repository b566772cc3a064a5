"""SIPp watches lamps of the started product while SIPp calls: what waits, who is rung, who talks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.product import Product, until
from tests.harness.sipp import Cast, Sipp

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

LAMPS = ("subscribes-message-summary", "subscribes-dialog")
"""Files of ``sipp-scenarios/`` without ``phone-`` and ``.xml``."""
PATIENCE_S = 15.0
DIRECT = """
[number."+48221240101"]
scheme = "direct"
[[scheme.direct.step]]
ring = ["101"]
for = "10s"
[[scheme.direct.step]]
voicemail = "sales"
"""


OFFICE = {"extra": DIRECT}


@pytest.fixture
def cast(office: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    """SIPp around it."""
    with Cast.around(tmp_path_factory.mktemp("sipp"), office.port) as cast:
        yield cast


def has_notifies(watcher: Sipp, count: int) -> None:
    """Wait until so many NOTIFYs have come."""
    until(lambda: watcher.received("NOTIFY ") >= count, within=PATIENCE_S, what=f"NOTIFY {count} comes")


def test_rfc3842_sipp_sees_its_lamp_go_on_with_a_message(cast: Cast) -> None:
    watcher = cast.watcher("phone-subscribes-message-summary.xml", "102")
    has_notifies(watcher, 1)
    cast.trunk("trunk-leaves-voicemail.xml", "+48221230005").wait()
    watcher.wait()
    assert watcher.received("NOTIFY ") == 3


def test_rfc4235_sipp_sees_a_colleague_rung_talking_and_free_again(cast: Cast) -> None:
    cast.phone("phone-answers.xml", "101", "-d", "1500")
    watcher = cast.watcher("phone-subscribes-dialog.xml", "103", "-key", "watched", "101")
    has_notifies(watcher, 1)
    cast.trunk("trunk-calls-answered.xml", "+48221240101").wait()
    watcher.wait()
    assert watcher.received("NOTIFY ") == 5
