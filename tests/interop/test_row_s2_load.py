"""Row S2 in real time: the caller who would be the second to wait goes to the backup."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.product import Product, until
from tests.harness.sipp import Cast

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

NUMBER = "+48221240521"
BY_LOAD = f"""
[number."{NUMBER}"]
scheme = "by-load"
[queue.few]
agents = ["101"]
max-wait = "4s"
[[scheme.by-load.step]]
ring = ["102"]
for = "10s"
when = "waiting in few >= 1"
[[scheme.by-load.step]]
queue = "few"
[[scheme.by-load.step]]
voicemail = "sales"
"""


OFFICE = {"extra": BY_LOAD}


def test_row_s2_who_would_wait_second_is_taken_by_the_backup(office: Product, tmp_path: Path) -> None:
    with Cast.around(tmp_path, office.port) as cast:
        agent = cast.phone("phone-rings-cancelled.xml", "101")
        backup = cast.phone("phone-answers.xml", "102", "-d", "300")
        first = cast.trunk("trunk-leaves-voicemail.xml", NUMBER)
        until(lambda: agent.received("INVITE") > 0, within=10, what="the first caller waits")
        second = cast.trunk("trunk-calls-answered.xml", NUMBER)
        for each in (second, backup, first, agent):
            each.wait()
    calls = office.finished_calls(of=NUMBER)
    assert sorted(call.outcome for call in calls) == ["promise", "talked"]  # who waited gave up
    assert len(agent.times("INVITE")) == 1
    assert agent.times("INVITE")[0] < backup.times("INVITE")[0]
