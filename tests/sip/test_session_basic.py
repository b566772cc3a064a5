"""A call from INVITE to BYE (RFC 3261 §13, §15)."""

from __future__ import annotations

import asyncio

from b2bua.sip.session import Answered, Progress
from tests.harness.clock import virtual_time
from tests.sip.phones import ALICE, ANSWER, BOB, OFFER, Answerer, MemoryNetwork, call, endpoint


def nothing() -> dict[str, int]:
    return {"transactions": 0, "dialogs": 0, "invites": 0, "timers": 0}


@virtual_time
async def test_rfc3665_3_1_a_call_is_rung_answered_and_hung_up_and_nothing_is_left() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), endpoint(network, BOB)
    answerer = Answerer(bob)
    ringing = call(alice)
    progress = await ringing.next_event()
    assert isinstance(progress, Progress)
    assert progress.status == 180
    answered = await ringing.next_event()
    assert isinstance(answered, Answered)
    assert answered.body == ANSWER
    assert answerer.invites[0].offer == OFFER
    await asyncio.sleep(1)
    answered.session.bye()
    ending = await asyncio.wait_for(answerer.sessions[0].ended, 1)
    assert ending.by == "remote"
    assert network.lines() == [
        "INVITE sip:bob@10.0.0.2:5060 SIP/2.0",
        "SIP/2.0 100 Trying",
        "SIP/2.0 180 Ringing",
        "SIP/2.0 200 OK",
        "ACK sip:bob@10.0.0.2:5060 SIP/2.0",
        "BYE sip:bob@10.0.0.2:5060 SIP/2.0",
        "SIP/2.0 200 OK",
    ]
    await asyncio.sleep(100)
    assert alice.alive() == nothing()
    assert bob.alive() == nothing()
