"""Seeded races (row D2): loss, repetition, reordering, CANCEL at every moment, forks that answer together,
reliable ringing, offers before and after the answer, session timers that run out.

``SIP_RACE_SEEDS`` sets how many seeds are tried, ``SIP_RACE_FIRST`` the first one: a failure names its seed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from random import Random

import pytest

from b2bua.errors import LegEnded, NotAcceptable, WrongState
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.message import Request, Response, parse_message
from b2bua.sip.session import Answered, IncomingInvite, OutgoingInvite, Refused, Session
from b2bua.sip.session_timers import SessionTimers
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.memory import MemoryNetwork
from tests.harness.clock import run_virtually
from tests.sip.phones import ALICE, ANSWER, call, endpoint

SEEDS = int(os.environ.get("SIP_RACE_SEEDS", "300"))
FIRST = int(os.environ.get("SIP_RACE_FIRST", "0"))
PER_TEST = 50
QUIET_S = 400.0
"""After that every timer of a call that lasted up to 40 s has run out."""


class Forker:
    """A stateless proxy that forks: each INVITE and CANCEL to every phone, each response back but 100."""

    def __init__(self, network: MemoryNetwork, hop: Hop, phones: list[Hop]) -> None:
        self._transport = network.transport(hop.host, hop.port)
        self._transport.attach(self)
        self._phones = phones
        self._caller = ALICE

    def receive(self, wire: bytes, source: Hop, transport: object) -> None:
        message = parse_message(wire)
        if isinstance(message, Response):
            if message.status != 100:
                self._forward_response(message)
            return
        self._caller = source
        for index, phone in enumerate(self._phones):
            self._forward_request(message, index, phone)

    def _forward_request(self, request: Request, index: int, phone: Hop) -> None:
        copy = request.copy()
        branch = f"{request.via.branch}-{index}"
        copy.headers.prepend("Via", f"SIP/2.0/UDP {self._transport.local.authority};branch={branch}")
        self._transport.send(copy.to_bytes(), phone)

    def _forward_response(self, response: Response) -> None:
        copy = response.copy()
        vias = copy.headers.all("Via")
        copy.headers.remove("Via")
        for via in vias[1:]:
            copy.headers.add("Via", via)
        self._transport.send(copy.to_bytes(), self._caller)

    def destination_failed(self, hop: Hop, why: str) -> None:
        """Nothing is remembered here."""


class Phone:
    """Rings, then answers, refuses or is taken back; hangs up or waits to be hung up."""

    def __init__(self, endpoint: SipEndpoint, random: Random) -> None:
        self.endpoint = endpoint
        self.sessions: list[Session] = []
        self.is_dead = False
        self._random = random
        self._tasks: set[asyncio.Task[None]] = set()
        endpoint.on_invite = self._take

    def _take(self, invite: IncomingInvite) -> None:
        task = asyncio.get_running_loop().create_task(self._live(invite))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _live(self, invite: IncomingInvite) -> None:
        random = self._random
        await asyncio.sleep(random.choice((0.0, 0.001, 0.3)))
        if random.random() < 0.8:
            await self._ring(invite)
        await asyncio.sleep(random.choice((0.0, 0.002, 1.0, random.random() * 4)))
        if invite.has_final:
            return
        if random.random() < 0.25:
            invite.reject(random.choice((486, 480, 302, 503)))
            return
        session = invite.accept(ANSWER)
        session.on_offer = lambda offer: ANSWER
        self.sessions.append(session)
        await asyncio.sleep(random.random() * random.choice((10, 10, 300)))
        if random.random() < 0.5:
            session.bye()

    async def _ring(self, invite: IncomingInvite) -> None:
        """Ring once or twice, with sound or without, and perhaps change that sound before the answer."""
        random = self._random
        for _ in range(random.choice((1, 1, 2))):
            invite.progress(random.choice((180, 183)), body=random.choice((b"", ANSWER)))
        if random.random() < 0.2:
            with contextlib.suppress(LegEnded, NotAcceptable, WrongState, TimeoutError):
                async with asyncio.timeout(3):
                    await invite.update(ANSWER)

    def give_up_if_dead(self) -> None:
        """Let the user of a phone without network put down the handset: no BYE ever reaches it."""
        for session in self.sessions:
            if self.is_dead and not session.ended.done():
                session.bye()

    @property
    def is_busy(self) -> bool:
        """Whether a call is still being played through."""
        return bool(self._tasks)


async def place(caller: SipEndpoint, hop: Hop, random: Random) -> list[Session]:
    """Place one call, cancel it perhaps, talk, perhaps renegotiate, hang up; return its sessions."""
    invite = call(caller, hop)
    invite.on_offer = lambda offer: ANSWER
    asyncio.get_running_loop().call_later(30, invite.cancel)  # as every dialer does
    if random.random() < 0.5:
        delay = random.choice((0.0, 0.001, 0.002, 0.003, 0.3, 1.0, random.random() * 4))
        asyncio.get_running_loop().call_later(delay, invite.cancel)
    sessions = await outcome(invite)
    for session in sessions:
        await talk(session, random)
    return sessions


async def outcome(invite: OutgoingInvite) -> list[Session]:
    """Return the session, or none; whatever happens it happens within two rounds of 64*T1."""
    async with asyncio.timeout(150):
        while True:
            event = await invite.next_event()
            if isinstance(event, Answered):
                return [event.session]
            if isinstance(event, Refused):
                return []


async def talk(session: Session, random: Random) -> None:
    """Talk for seconds or minutes with re-INVITEs and UPDATEs in it, then make sure that it ends."""
    for _ in range(random.randrange(3)):
        await asyncio.sleep(random.random())
        with contextlib.suppress(LegEnded, NotAcceptable):
            async with asyncio.timeout(200):
                await random.choice((session.reinvite, session.update))(ANSWER)
    await asyncio.sleep(random.random() * random.choice((5, 5, 5, 300)))
    if not session.ended.done():
        session.bye()


def kill(network: MemoryNetwork, random: Random, phones: list[Phone]) -> None:
    """Take one phone off the network: its address answers "port unreachable", or nothing at all."""
    index = random.randrange(len(phones))
    hop = Hop("udp", f"10.0.1.{index}", 5060)
    phones[index].is_dead = True
    if random.random() < 0.5:
        network.release(hop)
    else:
        network.blackhole(hop.host)


def assert_every_answer_was_acknowledged(network: MemoryNetwork) -> None:
    """Check that no 2xx to INVITE reached the caller without an ACK of the same dialog and CSeq going out."""
    arrived = [parse_message(packet.wire) for packet in network.arrived if packet.destination == ALICE]
    sent = [parse_message(packet.wire) for packet in network.log if packet.source == ALICE]
    answered = {
        (one.call_id, one.to.tag, one.cseq.number)
        for one in arrived
        if isinstance(one, Response) and 200 <= one.status < 300 and one.cseq.method == "INVITE"
    }
    acknowledged = {(one.call_id, one.to.tag, one.cseq.number) for one in sent if one.cseq.method == "ACK"}
    assert answered <= acknowledged


def some_timers(random: Random) -> SessionTimers:
    """Return a session interval that runs out within the call, one that does not, or none."""
    return random.choice((SessionTimers(), SessionTimers(interval_s=90), SessionTimers(interval_s=None)))


async def race(seed: int) -> None:
    random = Random(seed)
    network = MemoryNetwork(
        Random(seed + 1),
        latency_s=random.choice((0.001, 0.02, 0.2)),
        jitter_s=random.choice((0.0, 0.01, 0.1)),
        loss=random.choice((0.0, 0.05, 0.3)),
        duplicate=random.choice((0.0, 0.1)),
        reorder=random.choice((0.0, 0.2)),
    )
    caller = endpoint(network, ALICE, seed)
    caller.session_timers = some_timers(random)
    phones = [
        Phone(endpoint(network, Hop("udp", f"10.0.1.{n}", 5060), seed), random)
        for n in range(random.randrange(1, 4))
    ]
    for phone in phones:
        phone.endpoint.session_timers = some_timers(random)
    front = Hop("udp", "10.0.9.9", 5060)
    Forker(network, front, [Hop("udp", f"10.0.1.{n}", 5060) for n in range(len(phones))])
    target = random.choice((front, Hop("udp", "10.0.1.0", 5060)))
    if random.random() < 0.2:
        asyncio.get_running_loop().call_later(random.random() * 6, kill, network, random, phones)
    calls = await asyncio.gather(*(place(caller, target, random) for _ in range(2)))
    await asyncio.sleep(360)
    for phone in phones:
        phone.give_up_if_dead()
    await asyncio.sleep(QUIET_S)
    if not any(phone.is_dead for phone in phones):
        assert_every_answer_was_acknowledged(network)
    sessions = [session for sessions in calls for session in sessions]
    assert all(session.ended.done() for session in sessions)
    for phone in phones:
        assert all(session.ended.done() and session.closed.done() for session in phone.sessions)
        assert not phone.is_busy
    for each in (caller, *(phone.endpoint for phone in phones)):
        assert not any(each.alive().values()), each.alive()


@pytest.mark.parametrize("first", range(FIRST, FIRST + SEEDS, PER_TEST))
def test_d2_every_transaction_and_dialog_ends_whatever_the_network_does(first: int) -> None:
    for seed in range(first, min(first + PER_TEST, FIRST + SEEDS)):
        try:
            run_virtually(race(seed), limit_s=3000)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise


class HostileNetwork(MemoryNetwork):
    """Lets a broken copy follow each packet: bytes changed, cut out or said twice."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self._hostile = random

    def carry(self, wire: bytes, source: Hop, destination: Hop) -> None:
        super().carry(wire, source, destination)
        random = self._hostile
        for _ in range(3):
            super().carry(broken(wire, random), source, destination)


def broken(wire: bytes, random: Random) -> bytes:
    """Return ``wire`` with a few changes that often still parse."""
    copy = bytearray(wire)
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(len(copy))
        action = random.randrange(4)
        if action == 0:
            copy[at] = random.choice(b'<>";,:@ =%*09aZ\xff\x00')
        elif action == 1:
            del copy[at : at + random.randrange(1, 30)]
        elif action == 2:
            copy[at:at] = copy[at : at + random.randrange(1, 30)]
        else:
            start = copy.rfind(b"\r\n", 0, at) + 2
            end = copy.find(b"\r\n", at)
            copy[start:start] = copy[start : end + 2]
        copy = copy or bytearray(b"x")
    return bytes(copy)


def test_rfc4475_broken_copies_within_live_calls_never_raise() -> None:
    faults: list[dict[str, object]] = []

    async def story(seed: int) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        random = Random(seed)
        network = HostileNetwork(random)
        caller = endpoint(network, ALICE, seed)
        target = Hop("udp", "10.0.1.0", 5060)
        Phone(endpoint(network, target, seed), random)
        await asyncio.gather(*(place(caller, target, random) for _ in range(3)))
        await asyncio.sleep(QUIET_S)

    for seed in range(30):
        run_virtually(story(seed), limit_s=5000)
        assert faults == []
