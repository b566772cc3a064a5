"""The ring buffer of SIP messages: what it keeps, what belongs to a call, what it costs."""

from __future__ import annotations

import asyncio
import gc
from random import Random

from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.headers import NameAddr
from b2bua.sip.trace import MOST_BYTES_OF_DIALOG, QUIET_S, Trace, TracedMessage
from b2bua.sip.transport.hop import Hop
from tests.harness.clock import virtual_time
from tests.sip.phones import ALICE, BOB, OFFER, Answerer, MemoryNetwork, call, endpoint

US = Hop("udp", "10.0.0.9", 5060)


def message(method: str, call_id: str, *, spelling: str = "Call-ID: ", size: int = 0) -> bytes:
    return f"{method} sip:x@y SIP/2.0\r\n{spelling}{call_id}\r\nX: {'x' * size}\r\n\r\n".encode()


def noted(trace: Trace, call_id: str, *wires: bytes) -> int:
    """Return how many of these messages are kept as a call's."""
    with trace.following("call", call_id):
        for wire in wires:
            trace.note(wire, is_sent=False, local=US, remote=ALICE)
    return len(trace.take("call"))


def test_a_call_is_kept_from_its_invite_on_whatever_way_the_call_id_is_written() -> None:
    spellings = ("Call-ID: ", "call-id:", "i: ", "CALL-ID :  ")
    wires = [message("INVITE", "a"), *(message("BYE", "a", spelling=each) for each in spellings)]
    assert noted(Trace(), "a", *wires) == 5


def test_a_call_id_with_bytes_that_are_no_utf_8_is_followed_like_any_other() -> None:
    wire = message("INVITE", "XX").replace(b"XX", b"M\xfcller")
    assert noted(Trace(), "M\udcfcller", wire) == 1


def test_what_is_no_call_passes_by() -> None:
    assert noted(Trace(), "a", message("REGISTER", "a"), message("OPTIONS", "a"), b"INVITE \r\n", b"") == 0


def test_the_oldest_dialogs_make_room_and_one_that_repeats_itself_pushes_out_nobody() -> None:
    trace = Trace(most_bytes=MOST_BYTES_OF_DIALOG * 2)
    wires = [message("INVITE", "loud"), *[message("INFO", "loud", size=60_000)] * 100]
    assert noted(trace, "loud", *wires) == 5
    trace.note(message("INVITE", "first"), is_sent=False, local=US, remote=ALICE)
    flood = [message("INVITE", f"flood {index}", size=1000) for index in range(600)]
    for wire in flood:
        trace.note(wire, is_sent=False, local=US, remote=ALICE)
    assert noted(trace, "first") == 0
    assert noted(trace, "flood 599") == 1


@virtual_time
async def test_an_invite_that_a_call_sends_from_any_of_its_tasks_is_part_of_it() -> None:
    network = MemoryNetwork()
    trace = Trace()
    alice, bob = SipEndpoint(user_agent="test", random=Random(1)), endpoint(network, BOB)
    alice.trace = trace
    alice.attach(network.transport(ALICE.host, ALICE.port))
    Answerer(bob)

    async def ring() -> None:
        await call(alice).next_event()

    with trace.following("ours", "the caller's"):
        await asyncio.create_task(ring())
    alice.invite(uri="sip:bob@10.0.0.2", hop=BOB, from_=NameAddr.parse("<sip:a@b>"), offer=OFFER)
    await asyncio.sleep(1)
    kept = trace.take("ours")
    assert [one.wire.split(b" ")[0] for one in kept][:2] == [b"INVITE", b"SIP/2.0"]
    assert [one.is_sent for one in kept][:2] == [True, False]
    assert len({one.wire.partition(b"Call-ID: ")[2].partition(b"\r")[0] for one in kept}) == 1
    assert {one.remote for one in kept} == {BOB}
    await alice.close()


def test_what_came_before_a_talk_is_packed_and_comes_back_as_it_was() -> None:
    now = [1000.0]
    trace = Trace(clock=lambda: now[0])
    wires = [message("INVITE", "a", size=700), message("ACK", "a", size=700), message("BYE", "a")]
    seen = []
    with trace.following("call", "a"):
        for index, wire in enumerate(wires):
            is_sent, remote = bool(index % 2), (ALICE, BOB)[index % 2]
            trace.note(wire, is_sent=is_sent, local=US, remote=remote)
            seen.append((now[0], is_sent, US, remote, wire))
            now[0] += QUIET_S + 1
            trace.note(message("INVITE", "other"), is_sent=False, local=US, remote=ALICE)
            assert not {*wires} & {*_messages()}
    kept = trace.take("call")
    assert [(one.at, one.is_sent, one.local, one.remote, one.wire) for one in kept] == seen


def test_what_comes_when_a_call_is_over_is_not_packed_as_it_is_written_soon() -> None:
    now = [1000.0]
    trace = Trace(clock=lambda: now[0])
    invite, bye = message("INVITE", "a", size=700), message("BYE", "a", size=700)
    with trace.following("call", "a"):
        trace.note(invite, is_sent=False, local=US, remote=ALICE)
    trace.note(bye, is_sent=False, local=US, remote=ALICE)
    now[0] += QUIET_S + 1
    trace.note(message("INVITE", "other"), is_sent=False, local=US, remote=ALICE)
    assert {invite, bye} < {*_messages()}
    assert [one.wire for one in trace.take("call")] == [invite, bye]


def _messages() -> list[bytes]:
    return [one.wire for one in gc.get_objects() if isinstance(one, TracedMessage)]
