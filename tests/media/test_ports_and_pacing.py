"""Port leases, the grid of deadlines, and what crosses the line to the worker."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.commands import Clip, ConnectLeg, LegClosed, LegOpened, Play, Silence, Tone
from media.endpoint import Address, Endpoint
from media.errors import PortsExhausted
from media.factory import EndpointFactory
from media.leg import Leg
from media.pacing import MAX_CATCH_UP_S, Pacer
from media.ports import PortLeases
from media.sdp.agreement import StreamAgreement
from media.wire import commands_framer, encode, events_framer


def test_rfc3550_11_rtp_gets_even_ports_and_rtcp_the_odd_one_within_the_range() -> None:
    assert list(PortLeases(10001, 10006).free()) == [10002, 10004]


def test_a_port_given_back_is_leased_after_all_others_and_before_a_caller_is_refused() -> None:
    leases = PortLeases(10000, 10007)
    first, second, third, _ = leases.free()
    assert not leases.take(third)
    leases.give_back(second)
    leases.give_back(first)
    assert next(leases.free()) == second
    leases.give_back(third)
    assert leases.take(third)
    assert list(leases.free()) == [first]


def test_a_port_of_another_worker_is_leased_when_ours_are_all_in_use_and_goes_back_to_its_share() -> None:
    leases = PortLeases(10004, 10007, whole=(10000, 10011))
    assert list(leases.free(own_only=True)) == [10004, 10006]
    others = list(leases.free())
    assert sorted(others) == [10000, 10002, 10008, 10010]
    leases.give_back(others[0])
    leases.give_back(10004)
    assert list(leases.free()) == [10004, others[0]]
    leases.give_back(others[1])
    assert leases.take(others[1]), "as a new worker does for the calls of the last one"


def test_a_program_that_can_open_no_more_files_tries_no_other_port_and_says_what_to_do() -> None:
    tried: list[Address] = []

    def open_pair(address: Address, _leg: Leg) -> Endpoint:
        tried.append(address)
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    factory = EndpointFactory(open_pair, ["127.0.0.1"], (10000, 19999))
    leg: Leg = None  # type: ignore[assignment] # nothing is received here
    for _ in range(2):
        with pytest.raises(PortsExhausted, match="Too many open files; let the program open more"):
            factory(leg)
    assert len(tried) == 2


def test_d7_ticks_that_come_late_never_shift_the_grid() -> None:
    pacer = Pacer()
    pacer.start(10.0)
    owed = 0
    for index in range(1000):
        assert pacer.deadline is not None
        late = 0.013 if index % 3 else 0.0
        owed += pacer.due(pacer.deadline + late)
    assert owed == 1000
    assert pacer.deadline == pytest.approx(10.0 + 1000 * 0.02)


def test_d7_a_stall_is_caught_up_frame_by_frame_but_not_a_suspended_machine() -> None:
    pacer = Pacer()
    pacer.start(0.0)
    assert pacer.due(0.0) == 1
    assert pacer.due(0.019) == 0
    assert pacer.due(0.065) == 3
    assert pacer.due(0.265) == round(MAX_CATCH_UP_S / 0.02)
    assert pacer.due(3600.0) == 1
    assert pacer.deadline == pytest.approx(3600.02)


AGREEMENT = StreamAgreement(
    ("192.0.2.1", 4000), "PCMA", 8, ((8, "PCMA"), (0, "PCMU")), 101, None, 20, True, False
)
COMMANDS = [
    ConnectLeg(1, AGREEMENT, allows_nat=True, rtp_timeout_s=30.0),
    Play(1, 2, (Clip(Path("/prompts/ó.wav"), -3.0), Tone((440.0, 480.0), 2.0), Silence(4.0)), is_looped=True),
]
EVENTS = [LegOpened(7, ("192.0.2.1", "2001:db8::1"), 4000), LegClosed(7, {"packets": 5, "jitter_ms": 0.25})]


@settings(max_examples=50)
@given(st.integers(1, 40))
def test_messages_cross_the_line_unchanged_however_it_cuts_them(step: int) -> None:
    for framer, messages in ((commands_framer(), COMMANDS), (events_framer(), EVENTS)):
        stream = b"".join(map(encode, messages))
        pieces = (stream[start : start + step] for start in range(0, len(stream), step))
        assert [message for piece in pieces for message in framer.feed(piece)] == messages
