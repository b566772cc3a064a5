"""Seeded races (row D2): what happens at once, late, twice or never leaves nothing behind at either end.

``SIP_RACE_SEEDS`` sets how many seeds are played, ``SIP_RACE_FIRST`` the first one: a failure names its seed.
``make soak-schedules`` plays a million calls.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from random import Random

import pytest

from b2bua.sip.capabilities import ALLOWED
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.memory import MemoryNetwork
from tests.harness.clock import run_virtually
from tests.simulator import sip_calls
from tests.simulator.party import Party
from tests.simulator.sip_calls import CALLS, QUIET_S, TALK_S, play
from tests.sip.phones import ALICE, BOB

SEEDS = int(os.environ.get("SIP_RACE_SEEDS", "5000"))
FIRST = int(os.environ.get("SIP_RACE_FIRST", "0"))
PER_TEST = 500


@pytest.mark.parametrize("first", range(FIRST, FIRST + SEEDS, PER_TEST))
def test_d2_every_transaction_and_dialog_ends_whatever_the_network_does(first: int) -> None:
    for seed in range(first, min(first + PER_TEST, FIRST + SEEDS)):
        play(seed)


def test_d2_ten_thousand_calls_are_played_unless_told_otherwise() -> None:
    assert SEEDS * CALLS >= 10_000 or "SIP_RACE_SEEDS" in os.environ


def test_d2_the_schedules_hold_all_that_phones_and_networks_do(monkeypatch: pytest.MonkeyPatch) -> None:
    networks: list[MemoryNetwork] = []
    build = sip_calls._network

    def remember(random: Random, seed: int) -> MemoryNetwork:
        networks.append(build(random, seed))
        return networks[-1]

    monkeypatch.setattr(sip_calls, "_network", remember)
    for seed in range(200):
        play(seed)
    packets = [packet.wire for network in networks for packet in network.log]
    methods = Counter(wire.split(b" ", 1)[0].decode() for wire in packets)
    assert methods.keys() == {"SIP/2.0", *ALLOWED.split(", ")}
    statuses = Counter(int(wire[8:11]) for wire in packets if wire.startswith(b"SIP/2.0"))
    assert {100, 180, 183, 200, 202, 302, 407, 422, 481, 486, 487, 491, 500, 503, 603} <= statuses.keys()
    for piece in (b"\nReplaces: ", b"a=sendonly", b"Require: 100rel", b"refresher=uas", b"SIP/2.0/TCP"):
        assert any(piece in wire for wire in packets), piece


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
        caller, callee = (Party(network, hop, random, seed=seed) for hop in (ALICE, BOB))
        for _ in range(3):
            caller.place(BOB)
        await asyncio.sleep(TALK_S)
        caller.put_down()
        callee.put_down()
        await asyncio.sleep(QUIET_S)

    for seed in range(30):
        run_virtually(story(seed), limit_s=5000)
        assert faults == []
