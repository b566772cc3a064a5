"""Rows C1, C3 and C8 in real time: SIPp is missed, is called back 30 s later, and again 15 s after that."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.product import CallLine, Product
from tests.harness.sipp import Cast, Sipp

pytestmark = [pytest.mark.interop, pytest.mark.timeout(180)]

NUMBER, CUSTOMER = "+48221240701", "+48500600700"
EXACT_S = 0.5
LONGEST_S = 70
RETURN = f"""
[return-call.soon]
after = "30s"
again = ["15s"]
confirm = true
scheme = "back"
[number."{NUMBER}"]
scheme = "misses"
return-call = "soon"
[[scheme.misses.step]]
ring = ["951"]
for = "10s"
[[scheme.misses.step]]
voicemail = "sales"
[[scheme.back.step]]
ring = ["952"]
for = "10s"
[[scheme.back.step]]
voicemail = "sales"
""" + "".join(
    f'[person.phone-{each}]\nextension = "{each}"\npassword = "demo-{each}"\n' for each in ("951", "952")
)


@dataclass(frozen=True, slots=True)
class Played:
    """What is left of it."""

    called_after_s: list[float]
    """How long after they had been missed the customer was called, each time."""
    calls: list[CallLine]
    """The journal's lines."""
    report: str
    """What the office says became of it."""


def begin(folder: Path, stack: ExitStack) -> Callable[[], Played]:
    """Let a caller give up; return what waits for the customer to have been reached."""
    office = stack.enter_context(Product.running(folder, extra=RETURN))
    cast = stack.enter_context(Cast.around(folder / "sipp", office.port, limit_s=LONGEST_S))
    cast.phone("phone-rings-cancelled.xml", "951")
    colleague = cast.phone("phone-answers.xml", "952", "-d", "500")
    busy = cast.carrier("phone-refuses-486.xml", office.outside_port)
    trunk = cast.trunk("trunk-cancels-ringing-487.xml", NUMBER)

    def comes_home() -> Sipp:  # in a thread: whoever waits for the end plays other tests before
        busy.wait()
        return cast.carrier("phone-presses-1-and-hangs-up.xml", office.outside_port, "-d", "500")

    at_home = stack.enter_context(ThreadPoolExecutor(1)).submit(comes_home)

    def end() -> Played:
        trunk.wait()
        missed_at = trunk.times("CANCEL", kind="sent")[0]
        customer = at_home.result()
        customer.wait()
        colleague.wait()
        times = [each.times("INVITE")[0] - missed_at for each in (busy, customer)]
        calls = [*office.finished_calls(of=NUMBER), *office.finished_calls(of=CUSTOMER, at_least=2)]
        report = office.command("call-backs", str(office.config))
        office.assert_log_is_clean()
        return Played(times, calls, report)

    return end


def test_row_c1_c3_c8_the_customer_is_called_30_s_later_and_again_after_15_s(played: Played) -> None:
    assert played.called_after_s == pytest.approx([30, 45], abs=EXACT_S)


def test_row_c1_who_answers_presses_1_and_talks_with_whoever_the_scheme_rings(played: Played) -> None:
    missed, busy, reached = played.calls
    assert missed.outcome == "promise"
    assert (busy.outcome, reached.outcome) == ("unanswered", "talked")
    assert "talked with Phone-952" in reached.story


def test_row_c10_the_report_says_that_the_customer_was_called_back_after_two_attempts(played: Played) -> None:
    assert "1 called back, 100% of those who had to be" in played.report
    assert "the office itself has called 2 times" in played.report
