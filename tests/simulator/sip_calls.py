"""A few calls between endpoints on a bad network: every choice comes from one number, the seed.

Loss, repetition, reordering, dead hosts, reboots, CANCEL at every moment, forks that answer together,
reliable ringing, offers before and after the answer, holds, INFO, session timers that run out, REFER and
Replaces.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

from b2bua.sip.message import parse_message
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.memory import MemoryNetwork
from tests.harness.clock import run_virtually
from tests.simulator.forker import Forker
from tests.simulator.party import Party

CALLS = 2
"""Calls that each seed places, transfers not counted."""
TALK_S = 480.0
"""By then everybody who hangs up has done so: two calls of up to 300 s, one after another by a transfer."""
QUIET_S = 400.0
"""After that every timer has run out of a call that was hung up before."""
TIMER_D_S = 32.0
FRONT = Hop("udp", "10.0.9.9", 5060)
FINALS = {b"SIP/2.0 %d" % hundreds for hundreds in range(2, 7)}


def play(seed: int) -> None:
    """Play the calls of ``seed``.

    Raises:
        BaseException: an invariant does not hold; a note names the seed.
    """
    try:
        run_virtually(_play(seed), limit_s=3000)
    except BaseException as error:
        error.add_note(f"seed {seed}")
        raise


async def _play(seed: int) -> None:
    faults: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: faults.append(context))
    random = Random(seed)
    network = _network(random, seed)
    parties = _parties(network, random, seed)
    if random.random() < 0.25:
        loop.call_later(random.random() * 8, _disturb, network, random, parties)
    for _ in range(CALLS):
        loop.call_later(random.choice((0.0, 0.0, 0.5, random.random() * 3)), _place, parties, random)
    await asyncio.sleep(TALK_S)
    for party in parties:
        party.put_down()
    await asyncio.sleep(QUIET_S)
    assert not faults, faults
    _assert_is_over(parties)
    if not any(party.is_disturbed for party in parties):
        assert_every_answer_was_acknowledged(network)


def _network(random: Random, seed: int) -> MemoryNetwork:
    return MemoryNetwork(
        Random(seed + 1),
        latency_s=random.choice((0.001, 0.02, 0.2)),
        jitter_s=random.choice((0.0, 0.01, 0.1)),
        loss=random.choice((0.0, 0.0, 0.05, 0.3)),
        duplicate=random.choice((0.0, 0.1)),
        reorder=random.choice((0.0, 0.2)),
    )


def _parties(network: MemoryNetwork, random: Random, seed: int) -> list[Party]:
    """Return two to four user agents; over UDP there is a proxy before all but the first."""
    kind = "tcp" if random.random() < 0.1 else "udp"
    hops = [Hop(kind, f"10.0.1.{number}", 5060) for number in range(random.randrange(2, 5))]
    parties = [Party(network, hop, random, seed=seed) for hop in hops]
    if kind == "udp":
        Forker(network, FRONT, hops[1:])
    for party in parties:
        party.others = [hop for hop in hops if hop != party.hop]
    return parties


def _place(parties: list[Party], random: Random) -> None:
    """Let the first one call the proxy, or anybody call anybody."""
    caller = random.choice(parties)
    if caller.hop.transport == "udp" and random.random() < 0.5:
        parties[0].place(FRONT)
    else:
        caller.place(random.choice(caller.others))


def _disturb(network: MemoryNetwork, random: Random, parties: list[Party]) -> None:
    """Take one off the network for a while or for good, with a word or without, or take its power away."""
    victim = random.choice(parties)
    victim.is_disturbed = True
    match random.randrange(4):
        case 0:
            network.unplug(victim.hop)  # its address answers "port unreachable"
        case 1:
            network.blackhole(victim.hop.host)
        case 2:
            network.blackhole(victim.hop.host)
            back = random.choice((1.0, 10.0, 60.0))
            asyncio.get_running_loop().call_later(back, network.blackhole, victim.hop.host, False)
        case 3:
            victim.reboot()


def _assert_is_over(parties: list[Party]) -> None:
    """Check that no call, transaction, dialog or timer is left anywhere."""
    for party in parties:
        assert not party.is_busy, party.hop
        assert all(one.ended.done() and one.closed.done() for one in party.sessions), party.hop
        assert not any(party.endpoint.alive().values()), (party.hop, party.endpoint.alive())
    assert timers_left() == [], timers_left()


def timers_left() -> list[asyncio.TimerHandle]:
    """Return what the loop still means to call, but for an idle look of an endpoint at its deadlines."""
    loop: Any = asyncio.get_running_loop()
    timers = [timer for timer in loop._scheduled if not timer.cancelled()]
    return [timer for timer in timers if timer._callback.__name__ != "_wake"]


def assert_every_answer_was_acknowledged(network: MemoryNetwork) -> None:
    """Check that no 2xx to INVITE arrived without an ACK of the same dialog and CSeq going out.

    One to a re-INVITE may come when the call is over for both; and one that a fork sends later than
    Timer D (RFC 3261 §17.1.1.2) after the refusal of another branch meets nobody who knows of that call.
    """
    finals: dict[tuple[Hop, str], float] = {}
    answers = set()
    for packet in network.arrived:
        is_final = packet.wire[:9] in FINALS and b" INVITE\r\n" in packet.wire
        if not is_final or packet.destination == FRONT:
            continue
        call_id, tag, number = _dialog(packet.wire)
        first = finals.setdefault((packet.destination, call_id), packet.at) if number == 1 else packet.at
        if packet.wire.startswith(b"SIP/2.0 2") and packet.at < first + TIMER_D_S:
            answers.add((packet.destination, call_id, tag, number))
    if not answers:
        return
    acknowledged = {
        (packet.source, *_dialog(packet.wire)) for packet in network.log if packet.wire.startswith(b"ACK ")
    }
    missing = {
        (hop, call_id, tag, number)
        for hop, call_id, tag, number in answers - acknowledged
        if not any((hop, call_id, tag, earlier) in acknowledged for earlier in range(number))
    }
    assert not missing, missing


def _dialog(wire: bytes) -> tuple[str, str | None, int]:
    message = parse_message(wire)
    return message.call_id, message.to.tag, message.cseq.number


__all__ = ["CALLS", "QUIET_S", "TALK_S", "assert_every_answer_was_acknowledged", "play"]
