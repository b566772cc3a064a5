"""What a listener gets from an engine that is served late (D7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from media.background import Background
from media.commands import (
    CloseLeg,
    ConnectLeg,
    Event,
    FillPauses,
    OpenLeg,
    Play,
    Played,
    SendDigits,
    Tone,
    Trouble,
)
from media.endpoint import Address, LegPorts
from media.engine import Engine
from media.leg import Leg
from media.outgoing import Packet, Send
from media.rtp import RtpPacket
from media.sdp.agreement import StreamAgreement
from tests.harness.hearing import Hearing
from tests.media.engines import around

AGREEMENT = StreamAgreement(
    ("192.0.2.1", 4000), "PCMA", 8, ((8, "PCMA"),), 101, 101, 20, sends=True, receives=True
)


class Later(Background):
    """Background work that is done when it is told."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []

    def submit(self, job: Callable[[], Any], done: Callable[[Any], None]) -> None:
        self.jobs.append(lambda: done(job()))


class Wire:
    """An endpoint that keeps what is sent."""

    address: Address = ("192.0.2.9", 20000)

    def __init__(self) -> None:
        self.sent: list[RtpPacket] = []

    def aim(self, remote: Address) -> Send:
        return lambda packet: self.sent.append(RtpPacket.parse(bytes(packet)))

    lock = aim

    def read_anew(self) -> None: ...

    def leave(self) -> None: ...

    def multiplex(self, *, is_on: bool) -> None: ...

    def send_rtcp(self, packet: Packet, to: Address | None) -> None: ...

    def close(self) -> None: ...


def idle(loads: Background | None = None) -> tuple[Engine, Wire, list[Event]]:
    """Return an engine without legs, what it will send, and its events."""
    wire, events = Wire(), list[Event]()

    def open_ports(leg: Leg, wished: int = 0, *, is_spare: bool = False) -> LegPorts:
        return LegPorts([wire], lambda _port: None)

    return Engine(around(events.append, loads), open_ports), wire, events


def playing(seconds: float) -> tuple[Engine, Wire, list[Event]]:
    """Return an engine that at 0.0 s begins to play to one leg, what it sends, and its events."""
    engine, wire, events = idle()
    engine.handle(OpenLeg(1), 0.0)
    engine.handle(ConnectLeg(1, AGREEMENT, allows_nat=False, rtp_timeout_s=30.0), 0.0)
    engine.handle(Play(1, 2, (Tone((1000.0,), seconds),), is_looped=False), 0.0)
    return engine, wire, events


def offsets(packets: list[RtpPacket]) -> list[tuple[int, int]]:
    """Return sequence number and 20 ms frames of each packet behind the first."""
    first = packets[0]
    return [
        ((each.sequence - first.sequence) & 0xFFFF, ((each.timestamp - first.timestamp) & 0xFFFFFFFF) // 160)
        for each in packets
    ]


@pytest.mark.parametrize("stall", [0.025, 0.065, 0.199])
def test_d7_a_late_tick_sends_what_is_owed_with_no_number_and_no_timestamp_left_out(stall: float) -> None:
    engine, wire, events = playing(1.0)
    now = 0.0
    while not any(isinstance(event, Played) for event in events):
        engine.tick(now)
        due = int(now / 0.02 + 1e-6) + 1
        assert len(wire.sent) == min(due, 50)
        now += stall
    assert offsets(wire.sent) == [(number, number) for number in range(50)]
    heard = Hearing.of_payloads("PCMA", (packet.payload for packet in wire.sent))
    assert (heard.seconds_of(1000.0), heard.gaps(), heard.clipping()) == (1.0, [], [])


def test_after_a_suspended_machine_the_prompt_goes_on_and_timestamps_follow_the_clock() -> None:
    engine, wire, _ = playing(1.0)
    engine.tick(0.0)
    engine.tick(60.0)
    engine.tick(60.02)
    assert offsets(wire.sent) == [(0, 0), (1, 3000), (2, 3001)]


def test_an_engine_with_nothing_to_send_is_not_woken_every_20_ms() -> None:
    engine, _, _ = playing(0.1)
    for tick in range(7):
        engine.tick(tick * 0.02)
    assert engine.deadline is not None
    assert engine.deadline - 0.12 > 0.03


def test_an_engine_that_has_only_spare_legs_is_not_woken_until_one_is_used() -> None:
    engine, _, events = idle()
    for leg in (1, 2):
        engine.handle(OpenLeg(leg, is_spare=True), 0.0)
    assert engine.deadline is None
    engine.handle(ConnectLeg(1, AGREEMENT, allows_nat=False, rtp_timeout_s=30.0), 5.0)
    assert engine.deadline is not None
    assert engine.deadline > 5.0
    engine.close(6.0)
    assert [type(event).__name__ for event in events] == ["LegOpened"] * 2 + ["LegClosed"] * 2


def test_a_leg_that_is_closed_with_keys_still_to_be_pressed_is_served_no_more() -> None:
    engine, wire, events = playing(0.1)
    engine.handle(SendDigits(1, "123"), 0.0)
    engine.tick(0.02)
    assert wire.sent[-1].payload_type == 101
    engine.handle(CloseLeg(1), 0.03)
    sent = len(wire.sent)
    for tick in range(2, 20):
        engine.tick(tick * 0.02)
    assert len(wire.sent) == sent
    assert engine.deadline is None
    assert not [event for event in events if isinstance(event, Trouble)]


def test_a_sound_that_is_loaded_once_its_leg_is_closed_keeps_nobody_awake() -> None:
    loads = Later()
    engine, wire, _ = idle(loads)
    engine.handle(OpenLeg(1), 0.0)
    engine.handle(ConnectLeg(1, AGREEMENT, allows_nat=False, rtp_timeout_s=30.0), 0.0)
    engine.handle(FillPauses(1), 0.0)
    engine.handle(Play(1, 2, (Tone((1000.0,), 1.0),), is_looped=False), 0.0)
    engine.handle(CloseLeg(1), 0.1)
    for job in loads.jobs:
        job()
    assert (engine.deadline, wire.sent) == (None, [])
