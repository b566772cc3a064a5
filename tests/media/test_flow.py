"""Packets relayed in one go, or by the fast path: nothing may tell that from one step after another."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ctypes import c_double
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.commands import (
    Bridge,
    CloseLeg,
    ConnectLeg,
    Echo,
    Event,
    FillPauses,
    JoinRoom,
    OpenLeg,
    Play,
    Record,
    Role,
    SendDigits,
    StopPlaying,
    Tone,
    Trouble,
    Unbridge,
)
from media.endpoint import Address, LegPorts
from media.engine import Engine
from media.fastpath import FastPath
from media.leg import Leg
from media.outgoing import Packet, Send
from media.rtp import SenderReport, build_rtcp
from media.sdp.agreement import StreamAgreement
from tests.media.engines import around
from tests.media.fast_path import library

ANNA, BOB = 1, 2
PCMA, COMFORT_NOISE, EVENT = 8, 13, 101
PARTS = 513
Heard = tuple[str, bytes, int, int, float]
"""Codec, audio, timestamp, SSRC, and when it came."""


def agreement(port: int, *, sends: bool = True) -> StreamAgreement:
    """Return what is settled with a far end; all of them send events, and Anna alone takes them."""
    remote, accepts = ("192.0.2.1", port), ((PCMA, "PCMA"), (0, "PCMU"))
    event = EVENT if port == 4000 + ANNA else None
    return StreamAgreement(remote, "PCMA", PCMA, accepts, event, EVENT, 20, sends=sends, receives=True)


class Line:
    """A connected socket: keeps what is sent and gives what comes to the leg, in one go or step by step."""

    def __init__(self, leg: Leg, *, at_once: bool) -> None:
        self.address: Address = ("192.0.2.9", 20000)
        self.sent: list[bytes] = []
        self.now = 0.0
        self.flowed = 0
        """Readers of flows that were made."""
        self._leg = leg
        self._at_once = at_once
        self._coming = b""
        self._packet = bytearray(2048)
        self._parts = [memoryview(self._packet)[:size] for size in range(PARTS)]
        self._read: Callable[[], None] = self._step_by_step

    def aim(self, remote: Address) -> Send:
        return lambda packet: self.sent.append(bytes(packet))

    lock = aim

    def read_anew(self) -> None:
        flow = self._leg.flow
        self._read = self._step_by_step
        if self._at_once and flow is not None and flow.is_plain:
            self.flowed += 1
            self._read = flow.reader(self._receive, self._packet, self._parts, lambda: self.now)

    def _receive(self, packet: bytearray) -> int:
        packet[: len(self._coming)] = self._coming
        return len(self._coming)

    def _step_by_step(self) -> None:
        self._leg.receive(self._packet, self._receive(self._packet), None, self.now)

    def come(self, contents: Sequence[bytes], now: float) -> None:
        self.now = now
        for self._coming in contents:
            self._read()

    def leave(self) -> None: ...

    def multiplex(self, *, is_on: bool) -> None: ...

    def send_rtcp(self, packet: Packet, to: Address | None) -> None: ...

    def close(self) -> None: ...


class FastLine(Line):
    """The same with a real socket, whose packets take the fast path where they may."""

    def __init__(self, leg: Leg, world: FastWorld) -> None:
        super().__init__(leg, at_once=False)
        self._world = world
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        for each in (self._ours, self._theirs):
            each.setblocking(False)
        self._is_late = False
        """Whether the fast path alone reads it."""
        world.poll.register(self._ours.fileno(), select.EPOLLIN)

    @property
    def descriptor(self) -> int:
        return self._ours.fileno()

    def aim(self, remote: Address) -> Send:
        return lambda packet: self._ours.sendmsg([packet])

    def lock(self, remote: Address) -> Send:
        return self._ours.send

    def read_anew(self) -> None:
        fast_path, was_late, self._is_late = self._world.fast_path, self._is_late, False
        fast_path.remove(self.descriptor)
        if self._leg.flow is not None:
            self.flowed += 1
            self._is_late = fast_path.add(self.descriptor, self._leg.flow)
        if self._is_late != was_late:
            self._world.poll.modify(self.descriptor, 0 if self._is_late else select.EPOLLIN)

    def read(self) -> None:
        self._coming = self._ours.recv(2048)
        self._step_by_step()

    def come(self, contents: Sequence[bytes], now: float) -> None:
        for content in contents:
            self._theirs.send(content)
        self.now = now
        self._world.turn(now)

    def drain(self) -> None:
        """Keep what was sent."""
        try:
            while True:
                self.sent.append(self._theirs.recv(2048))
        except BlockingIOError:
            return

    def close(self) -> None:
        self.drain()
        self._world.fast_path.remove(self.descriptor)
        self._world.poll.unregister(self.descriptor)
        self._ours.close()
        self._theirs.close()


class World:
    """Two legs that are bridged; whatever is done to one world is done to its twins."""

    def __init__(self, *, at_once: bool) -> None:
        self.events: list[Event] = []
        self.lines: dict[int, Line] = {}
        self.legs: dict[int, Leg] = {}
        self.now = 0.0
        self.listened: dict[int, list[Heard]] = {ANNA: [], BOB: []}

        def open_ports(leg: Leg, wished: int = 0, *, is_spare: bool = False) -> LegPorts:
            self.legs[leg.number], line = leg, self.line(leg, at_once=at_once)
            self.lines[leg.number] = line
            return LegPorts([line], lambda _port: None)

        self.engine = Engine(around(self.events.append), open_ports)
        for number in (ANNA, BOB):
            self.engine.handle(OpenLeg(number), 0.0)
            self.connect(number)
            self.legs[number].receive(bytearray(rtp(0)), 172, ("192.0.2.1", 4000 + number), 0.0)
        self.engine.handle(Bridge(ANNA, BOB), 0.0)

    def line(self, leg: Leg, *, at_once: bool) -> Line:
        return Line(leg, at_once=at_once)

    def connect(self, number: int, *, sends: bool = True) -> None:
        told = agreement(4000 + number, sends=sends)
        self.engine.handle(ConnectLeg(number, told, allows_nat=False, rtp_timeout_s=30.0), self.now)

    def outcome(self) -> object:
        """Return all that can be told from outside."""
        statistics = [leg.statistics(0.0) for leg in self.legs.values()]
        incoming = [
            (leg.incoming.heard_at, leg.incoming.highest_sequence, leg.out.octets, leg.out.timestamp)
            for leg in self.legs.values()
        ]
        jitter = [(leg.incoming.transit, leg.incoming.jitter_ticks) for leg in self.legs.values()]
        sent = [line.sent for line in self.lines.values()]
        return (
            sent,
            statistics,
            incoming,
            jitter,
            self.events,
            {leg: joined(heard) for leg, heard in self.listened.items()},
        )


def joined(heard: list[Heard]) -> list[Heard]:
    """Put together what follows at once, as who listens does not care in how many pieces it comes."""
    pieces: list[Heard] = []
    for piece in heard:
        codec, audio, timestamp, ssrc, now = pieces[-1] if pieces else ("", b"", 0, 0, 0.0)
        if piece[0] == codec and piece[2:4] == ((timestamp + len(audio)) & 0xFFFF_FFFF, ssrc):
            pieces[-1] = codec, audio + piece[1], timestamp, ssrc, now
        else:
            pieces.append(piece)
    return pieces


class FastWorld(World):
    """The world with the fast path."""

    def __init__(self, fast_path: FastPath) -> None:
        self.fast_path = fast_path
        self.poll = select.epoll()
        self.moved = 0
        """Turns in which Python was not asked."""
        super().__init__(at_once=False)

    def line(self, leg: Leg, *, at_once: bool) -> Line:
        return FastLine(leg, self)

    def turn(self, now: float) -> None:
        """Deal with the packets that have come."""
        asked: list[int] = []

        def read(descriptor: int) -> None:
            asked.append(descriptor)
            for line in self.lines.values():
                if isinstance(line, FastLine) and line.descriptor == descriptor:
                    line.read()

        self.fast_path.now = c_double(now)
        while self.fast_path.turn(self.poll.fileno(), 0.0, read, _raise):
            pass
        self.fast_path.sweep(_raise)
        self.moved += not asked
        for line in self.lines.values():
            assert isinstance(line, FastLine)
            line.drain()

    def close(self) -> None:
        for line in self.lines.values():
            line.close()
        self.poll.close()


def _raise() -> None:
    raise  # noqa: PLE0704 - the error that is being handled


def rtp(
    sequence: int,
    *,
    payload_type: int = PCMA,
    ssrc: int = 7,
    first: int = 0x80,
    size: int = 160,
    ticks: int | None = None,
) -> bytes:
    timestamp = 160 * sequence if ticks is None else ticks
    head = struct.pack("!BBHII", first, payload_type, sequence & 0xFFFF, timestamp & 0xFFFF_FFFF, ssrc)
    return head + bytes([sequence & 0xFF]) * size


Step = Callable[[World], None]


def comes(*contents: bytes, after: float = 0.02, at: int = ANNA) -> Step:
    """Return a step in which ``contents`` come; in the same instant as before, the engine ticks later."""

    def step(world: World) -> None:
        world.now += after
        if after:
            world.engine.tick(world.now)
        world.lines[at].come(contents, world.now)

    return step


def listens(*, at: int = ANNA, is_on: bool = True) -> Step:
    """Return a step in which somebody begins or ends to listen."""

    def step(world: World) -> None:
        leg = world.legs[at]
        leg.settle()
        leg.audience.listen_for_tones((lambda *heard: world.listened[at].append(heard)) if is_on else None)

    return step


def told(command: object) -> Step:
    return lambda world: world.engine.handle(command, world.now)  # type: ignore[arg-type]


def outcomes(steps: list[Step]) -> tuple[object, object, World]:
    """Return what came of ``steps`` at once and step by step, and the world of the former."""
    at_once, by_steps = World(at_once=True), World(at_once=False)
    for step in steps:
        step(at_once)
        step(by_steps)
    with fast_world() as fast:
        for step in steps:
            step(fast)
        assert fast.outcome() == by_steps.outcome()
    return at_once.outcome(), by_steps.outcome(), at_once


@contextmanager
def fast_world() -> Iterator[FastWorld]:
    world = FastWorld(FastPath(library()))
    try:
        yield world
    finally:
        world.close()


def test_a_stream_flows_over_wraps_of_its_numbers_and_nothing_tells_it_from_steps() -> None:
    flowed, stepped, world = outcomes([comes(rtp(number)) for number in range(65_400, 65_700)])
    assert flowed == stepped
    assert len(world.lines[BOB].sent) == 300
    assert world.lines[ANNA].flowed > 0


def test_nearly_every_packet_takes_the_short_way() -> None:
    world, looked_at = World(at_once=True), 0
    leg = world.legs[ANNA]
    leg.link()
    usual = leg.receive

    def count(*packet: object) -> None:
        nonlocal looked_at
        looked_at += 1
        usual(*packet)  # type: ignore[arg-type]

    leg.receive = count
    for number in range(500):
        comes(rtp(number))(world)
    assert looked_at <= 2


def test_the_fast_path_asks_python_only_where_numbers_wrap_or_reports_are_due() -> None:
    with fast_world() as world:
        for number in range(62_000, 66_000):
            comes(rtp(number))(world)
        assert len(world.lines[BOB].sent) == 4000
        assert world.moved > 3950


@pytest.mark.parametrize(
    "news",
    [
        rtp(50, payload_type=EVENT, size=4),
        rtp(50, payload_type=EVENT | 0x80, ssrc=9, size=4),
        rtp(50, payload_type=COMFORT_NOISE, ssrc=9, size=1),
        rtp(50, payload_type=0),
        rtp(50, payload_type=PCMA | 0x80),
        rtp(50, ssrc=9),
        rtp(30_000),
        rtp(5_000, payload_type=EVENT, size=4),
        rtp(50, ticks=7),
        rtp(50, size=600),
        rtp(50, size=0),
        rtp(50, first=0xA0),
        rtp(50, first=0x91),
        rtp(49),
        rtp(40),
        rtp(60),
        b"",
        rtp(50)[:4],
        rtp(50)[:11],
    ],
)
def test_news_in_the_middle_of_a_stream_is_what_it_was(news: bytes) -> None:
    before, after = range(50), range(51, 80)
    steps = [*(comes(rtp(n)) for n in before), comes(news), *(comes(rtp(n)) for n in after)]
    again = [comes(rtp(n, ssrc=9)) for n in range(80, 90)]
    flowed, stepped, _ = outcomes([*steps, *again])
    assert flowed == stepped


@pytest.mark.parametrize("first", [51, 5_000])
def test_a_stream_that_begins_anew_with_a_key_which_nobody_takes_is_joined_to_what_was_before(
    first: int,
) -> None:
    anew = [rtp(number, ssrc=9) for number in range(first, first + 20)]
    key = rtp(first - 1, payload_type=EVENT | 0x80, ssrc=9, size=4)
    flowed, stepped, _ = outcomes([comes(each) for each in (*map(rtp, range(50)), key, *anew)])
    assert flowed == stepped


def test_rfc5761_4_reports_on_the_port_of_a_stream_are_no_part_of_it() -> None:
    def share_ports(world: World) -> None:
        for number in (ANNA, BOB):
            shared = replace(agreement(4000 + number), is_multiplexed=True)
            world.engine.handle(ConnectLeg(number, shared, allows_nat=False, rtp_timeout_s=30.0), world.now)
            world.legs[number].receive(bytearray(rtp(0)), 172, ("192.0.2.1", 4000 + number), world.now)

    report = build_rtcp(SenderReport(7, 1 << 40, 8000, 10, 1600, ()))
    stream = [comes(rtp(number)) for number in range(50)]
    flowed, stepped, world = outcomes([share_ports, *stream[:20], comes(report), *stream[20:]])
    assert flowed == stepped
    assert {each[1] & 0x7F for each in world.lines[BOB].sent} == {PCMA}
    assert world.legs[ANNA].statistics(0.0)["unknown"] == 0


@pytest.mark.parametrize(
    "commands",
    [
        [Play(BOB, 5, (Tone((1000.0,), 0.1),), is_looped=False)],
        [Play(BOB, 5, (Tone((1000.0,), 9.0),), is_looped=False), StopPlaying(BOB)],
        [SendDigits(BOB, "5")],
        [Unbridge(ANNA)],
        [Unbridge(ANNA), Bridge(ANNA, BOB)],
        [Record(ANNA, 6, "/dev/null", 60.0)],
    ],
)
def test_what_signalling_orders_in_the_middle_of_a_stream_holds_at_once(commands: list[object]) -> None:
    flowed, stepped, _ = outcomes(
        [
            *(comes(rtp(n)) for n in range(20)),
            told(commands[0]),
            comes(rtp(20), after=0.0),
            comes(rtp(21)),
            *map(told, commands[1:]),
            *(comes(rtp(n)) for n in range(22, 60)),
        ]
    )
    assert flowed == stepped


@pytest.mark.parametrize("is_bridged", [True, False])
def test_who_listens_hears_each_packet_once_and_in_order(is_bridged: bool) -> None:
    key = rtp(60, payload_type=EVENT | 0x80, size=4)
    steps = [
        listens(),
        told(Bridge(ANNA, BOB) if is_bridged else Unbridge(ANNA)),
        *(comes(rtp(n)) for n in range(60)),
        *(comes(rtp(n), after=0.0) for n in range(61, 120)),
        comes(key),
        *(comes(rtp(n, size=40 * (n % 5))) for n in range(120, 200)),
        listens(is_on=False),
        comes(rtp(200)),
    ]
    _, _, world = outcomes(steps)
    assert len(world.listened[ANNA]) == 199
    assert len(joined(world.listened[ANNA])) > 1
    assert (len(world.lines[BOB].sent) > 190) is is_bridged


def test_what_comes_behind_a_stall_is_not_put_together_with_what_came_before() -> None:
    with fast_world() as world:
        for step in (listens(), *(comes(rtp(n), after=0.0) for n in range(20))):
            step(world)
        world.now += 3.0
        for n in range(20, 40):
            comes(rtp(n), after=0.0)(world)
        world.legs[ANNA].settle()
        assert sum(len(audio) for _, audio, _, _, at in world.listened[ANNA] if at == 3.0) == 20 * 160
        assert world.moved > 35


def test_who_takes_no_keys_hears_the_other_also_after_one_that_could_not_be_sent() -> None:
    steps = [*(comes(rtp(n)) for n in range(20)), told(SendDigits(BOB, "5"))]
    flowed, stepped, world = outcomes([*steps, *(comes(rtp(n)) for n in range(20, 60))])
    assert flowed == stepped
    assert any(isinstance(event, Trouble) for event in world.events)
    assert len(world.lines[BOB].sent) >= 58


def test_a_leg_that_is_closed_is_held_by_nothing_that_it_holds() -> None:
    with fast_world() as world:
        for step in (listens(), told(Unbridge(ANNA)), *(comes(rtp(n)) for n in range(9))):
            step(world)
        leg = world.legs.pop(ANNA)
        assert leg.flow is not None
        del world.lines[ANNA]
        told(CloseLeg(ANNA))(world)
        assert leg.flow is None


def test_nothing_flows_to_who_is_on_hold() -> None:
    steps = [
        *(comes(rtp(n)) for n in range(20)),
        lambda world: world.connect(BOB, sends=False),
        *(comes(rtp(n)) for n in range(20, 40)),
        lambda world: world.connect(BOB),
        *(comes(rtp(n)) for n in range(40, 60)),
    ]
    flowed, stepped, world = outcomes(steps)
    assert flowed == stepped
    assert len(world.lines[BOB].sent) == 40


def _run(first: int) -> Step:
    """Return a step in which a stretch of a stream comes."""
    steps = [comes(rtp(number)) for number in range(first, first + 8)]

    def step(world: World) -> None:
        for each in steps:
            each(world)

    return step


PACKETS = st.builds(
    rtp,
    st.integers(0, 400),
    payload_type=st.sampled_from([PCMA] * 8 + [PCMA | 0x80, EVENT, COMFORT_NOISE, 0]),
    ssrc=st.sampled_from([7] * 6 + [9]),
    first=st.sampled_from([0x80] * 8 + [0x90, 0xA0, 0x81, 0x40, 0x16, 0x00]),
    size=st.sampled_from([160] * 6 + [0, 4, 600]),
)
STEPS = st.one_of(
    st.builds(comes, PACKETS, after=st.floats(0.0, 0.1), at=st.sampled_from((ANNA, BOB))),
    st.builds(comes, st.binary(max_size=40)),
    st.lists(PACKETS, max_size=9).map(lambda packets: comes(*packets)),
    st.integers(0, 65_535).map(_run),
    st.sampled_from(
        [
            told(Play(BOB, 5, (Tone((1000.0,), 0.1),), is_looped=False)),
            told(StopPlaying(BOB)),
            told(SendDigits(ANNA, "1")),
            told(Unbridge(BOB)),
            told(Bridge(ANNA, BOB)),
            told(Echo(ANNA)),
            told(JoinRoom(BOB, 3, Role.PARTY)),
            told(FillPauses(BOB)),
            lambda world: world.connect(BOB, sends=False),
            lambda world: world.connect(BOB),
            listens(),
            listens(at=BOB),
            listens(is_on=False),
        ]
    ),
)


@settings(max_examples=150)
@given(st.lists(STEPS, max_size=25))
def test_whatever_comes_and_whatever_is_ordered_nothing_tells_the_two_ways_apart(steps: list[Step]) -> None:
    flowed, stepped, _ = outcomes(steps)
    assert flowed == stepped
