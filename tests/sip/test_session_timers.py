"""Session timers, as refresher and as refreshed (RFC 4028; row D10)."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.message import Request, Response
from b2bua.sip.session import Answered, OutgoingInvite, Session
from b2bua.sip.session_timers import SessionExpires, SessionTimers
from tests.harness.clock import virtual_time
from tests.sip.phones import ALICE, ANSWER, BOB, OFFER, Answerer, MemoryNetwork, call, endpoint
from tests.sip.scripted import Scripted

TIMER = ("Supported", "timer")


async def answered_by_script(
    *headers: tuple[str, str], timers: SessionTimers | None = None
) -> tuple[SipEndpoint, Scripted, Session]:
    """Return an endpoint that called a script, whose 200 carried ``headers``, and the session."""
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    alice.session_timers = timers or SessionTimers()
    invite = call(alice)
    bob.answer(await bob.request("INVITE"), 200, tag="x", body=ANSWER, headers=headers)
    event = await invite.next_event()
    assert isinstance(event, Answered)
    await bob.request("ACK")
    return alice, bob, event.session


async def script_calls(
    *headers: tuple[str, str], timers: SessionTimers | None = None
) -> tuple[Scripted, Session, Request, Response]:
    """Return a script that called with ``headers``, the session at the endpoint, and both messages."""
    network = MemoryNetwork()
    alice, bob = Scripted(network, ALICE), endpoint(network, BOB)
    bob.session_timers = timers or SessionTimers()
    answerer = Answerer(bob)
    invite = alice.invite(BOB, headers=headers)
    answer = await alice.response(200)
    alice.ack(invite, answer)
    await asyncio.sleep(0.1)
    return alice, answerer.sessions[0], invite, answer


def now() -> float:
    return asyncio.get_running_loop().time()


@virtual_time
async def test_rfc4028_7_1_our_invite_asks_for_a_session_of_half_an_hour() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    call(alice)
    invite = await bob.request("INVITE")
    assert "timer" in invite.option_tags("Supported")
    assert invite.headers.get("Session-Expires") == "1800"
    alice.session_timers = SessionTimers(interval_s=None)
    call(alice)
    assert "Session-Expires" not in (await bob.request("INVITE")).headers


@virtual_time
async def test_rfc4028_7_4_as_refresher_we_send_update_at_half_of_the_interval_for_ever() -> None:
    _, bob, session = await answered_by_script(
        ("Session-Expires", "600;refresher=uac"), ("Require", "timer"), ("Allow", "INVITE, UPDATE")
    )
    for _ in range(20):
        before = now()
        update = await bob.request("UPDATE")
        assert now() - before == pytest.approx(300, abs=1)
        assert update.headers.get("Session-Expires") == "600;refresher=uac"
        assert not update.body
        bob.answer(update, 200, headers=(("Session-Expires", "600;refresher=uac"),))
    assert not session.ended.done()


@virtual_time
async def test_rfc4028_7_4_a_peer_that_takes_no_update_is_refreshed_by_a_reinvite_with_the_same_sdp() -> None:
    _, bob, session = await answered_by_script(("Session-Expires", "600;refresher=uac"))
    exchanges: list[tuple[bytes, bytes]] = []
    session.on_renegotiated = lambda offer, answer: exchanges.append((offer, answer))
    again = await bob.request("INVITE")
    assert again.body == OFFER
    bob.answer(again, 200, body=ANSWER, headers=(("Session-Expires", "600;refresher=uac"),))
    await bob.request("ACK")
    assert exchanges == [(OFFER, ANSWER)]
    await bob.request("INVITE")


@virtual_time
async def test_rfc4028_a_peer_whose_allow_lied_about_update_is_refreshed_by_reinvite() -> None:
    _, bob, session = await answered_by_script(("Session-Expires", "600"), ("Allow", "UPDATE"))
    bob.answer(await bob.request("UPDATE"), 501)
    bob.answer(await bob.request("INVITE"), 200, body=ANSWER, headers=(("Session-Expires", "600"),))
    await bob.request("ACK")
    assert (await bob.request("INVITE")).body == OFFER
    assert not session.ended.done()


@virtual_time
async def test_rfc4028_10_a_refreshed_session_that_nobody_refreshes_is_hung_up_before_it_expires_d10() -> (
    None
):
    _, bob, session = await answered_by_script(("Session-Expires", "600;refresher=uas"))
    started = now()
    ending = await session.ended
    assert now() - started == pytest.approx(600 - 32, abs=1)
    assert ending.by == "network"
    assert 'cause=408;text="Session expired"' in ((await bob.request("BYE")).headers.get("Reason") or "")


@virtual_time
async def test_rfc4028_10_refreshes_of_the_peer_keep_the_session_alive() -> None:
    alice, session, invite, answer = await script_calls(
        TIMER, ("Session-Expires", "600;refresher=uac"), ("Min-SE", "90")
    )
    assert answer.headers.get("Session-Expires") == "600;refresher=uac"
    assert "timer" in answer.option_tags("Require")
    for number in range(2, 12):
        await asyncio.sleep(300)
        alice.within(
            invite, answer, "UPDATE", cseq=number, headers=(TIMER, ("Session-Expires", "600;refresher=uac"))
        )
        assert (await alice.response(200)).headers.get("Session-Expires") == "600;refresher=uac"
    assert not session.ended.done()
    started = now()
    await session.ended
    assert now() - started == pytest.approx(600 - 32, abs=1)


@virtual_time
async def test_rfc4028_9_where_the_caller_leaves_it_open_we_refresh() -> None:
    alice, _session, _invite, answer = await script_calls(TIMER, ("Session-Expires", "7200"))
    assert answer.headers.get("Session-Expires") == "1800;refresher=uas"
    assert "timer" not in answer.option_tags("Require")
    await alice.request("INVITE")
    alice, _session, _invite, answer = await script_calls(TIMER)
    assert answer.headers.get("Session-Expires") == "1800;refresher=uas"


@virtual_time
async def test_rfc4028_9_an_interval_that_a_proxy_asked_for_is_kept_by_us() -> None:
    alice, _session, _invite, answer = await script_calls(("Session-Expires", "300;refresher=uac"))
    assert answer.headers.get("Session-Expires") == "300;refresher=uas"
    started = now()
    await alice.request("INVITE")
    assert now() - started == pytest.approx(150, abs=1)


@virtual_time
async def test_rfc4028_7_2_a_peer_without_timers_is_left_alone_d10() -> None:
    _, bob, session = await answered_by_script()
    await asyncio.sleep(100_000)
    assert not session.ended.done()
    assert [one.method for one in bob.seen] == ["INVITE", "ACK"]
    _, session, _, answer = await script_calls()
    assert "Session-Expires" not in answer.headers
    await asyncio.sleep(100_000)
    assert not session.ended.done()


@virtual_time
async def test_rfc4028_7_3_a_422_is_met_with_a_longer_interval_in_the_same_call() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    alice.session_timers = SessionTimers(interval_s=90)
    invite = call(alice)
    first = await bob.request("INVITE")
    assert first.headers.get("Session-Expires") == "90"
    bob.answer(first, 422, headers=(("Min-SE", "600"),))
    second = await bob.request("INVITE")
    assert (second.call_id, second.cseq.number) == (first.call_id, first.cseq.number + 1)
    assert second.headers.get("Session-Expires") == second.headers.get("Min-SE") == "600"
    bob.answer(second, 422, headers=(("Min-SE", "600"),))
    refused = await invite.next_event()
    assert getattr(refused, "status", None) == 422


@virtual_time
async def test_rfc4028_7_3_who_wants_a_longer_interval_each_time_is_not_followed_for_ever() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    invite = call(alice)
    for least in range(3000, 3020):
        bob.answer(await bob.request("INVITE"), 422, headers=(("Min-SE", str(least)),))
    assert getattr(await invite.next_event(), "status", None) == 422
    await asyncio.sleep(60)
    assert len([request for request in bob.seen if request.method == "INVITE"]) == 20


@virtual_time
async def test_rfc4028_7_3_a_422_to_a_refresh_is_met_with_a_longer_interval() -> None:
    _, bob, session = await answered_by_script(("Session-Expires", "100"), ("Allow", "UPDATE"))
    bob.answer(await bob.request("UPDATE"), 422, headers=(("Min-SE", "900"),))
    again = await bob.request("UPDATE")
    assert again.headers.get("Session-Expires") == "900;refresher=uac"
    bob.answer(again, 200, headers=(("Session-Expires", "900;refresher=uac"),))
    await asyncio.sleep(400)
    assert not session.ended.done()


@virtual_time
async def test_rfc4028_7_4_our_refreshes_repeat_the_largest_min_se_of_the_call() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    alice.session_timers = SessionTimers(interval_s=90)
    call(alice)
    bob.answer(await bob.request("INVITE"), 422, headers=(("Min-SE", "600"),))
    agreed = (("Session-Expires", "600;refresher=uac"), ("Allow", "UPDATE"))
    bob.answer(await bob.request("INVITE"), 200, tag="x", body=ANSWER, headers=agreed)
    assert (await bob.request("UPDATE")).headers.get("Min-SE") == "600"

    peer, _, _, answer = await script_calls(("Session-Expires", "700"), ("Min-SE", "650"), TIMER)
    assert answer.headers.get("Session-Expires") == "700;refresher=uas"
    assert (await peer.request("INVITE")).headers.get("Min-SE") == "650"


@virtual_time
async def test_rfc4028_9_too_short_an_interval_is_refused_with_our_least() -> None:
    network = MemoryNetwork()
    alice, bob = Scripted(network, ALICE), endpoint(network, BOB)
    Answerer(bob)
    alice.invite(BOB, headers=(TIMER, ("Session-Expires", "30")))
    assert (await alice.response(422)).headers.get("Min-SE") == "90"
    alice, session, invite, answer = await script_calls(TIMER)
    alice.within(invite, answer, "UPDATE", cseq=2, headers=(TIMER, ("Session-Expires", "30")))
    assert (await alice.response(422)).headers.get("Min-SE") == "90"
    assert not session.ended.done()


@virtual_time
async def test_rfc4028_10_a_refresh_that_meets_481_or_silence_ends_the_call_d10() -> None:
    for status in (481, 408):
        _, bob, session = await answered_by_script(("Session-Expires", "600"), ("Allow", "UPDATE"))
        bob.answer(await bob.request("UPDATE"), status)
        assert (await session.ended).status == status
        await bob.request("BYE")
    _, bob, session = await answered_by_script(("Session-Expires", "600"), ("Allow", "UPDATE"))
    started = now()
    assert (await session.ended).by == "network"
    assert now() - started == pytest.approx(300 + 32, abs=1)


@virtual_time
async def test_rfc4028_a_refresh_that_is_refused_otherwise_is_tried_again_until_the_session_expires() -> None:
    _, bob, session = await answered_by_script(("Session-Expires", "600"), ("Allow", "UPDATE"))
    for _ in range(3):
        bob.answer(await bob.request("UPDATE"), 503)
    assert not session.ended.done()
    started = now()
    bob.answer(await bob.request("UPDATE"), 200, headers=(("Session-Expires", "600"),))
    await bob.request("UPDATE")
    assert now() - started == pytest.approx(300 + 30, abs=1)
    ending = await session.ended
    assert ending.status == 408


@virtual_time
async def test_rfc4028_a_peer_that_drops_the_timer_in_mid_call_is_believed() -> None:
    _, bob, session = await answered_by_script(("Session-Expires", "600"), ("Allow", "UPDATE"))
    bob.answer(await bob.request("UPDATE"), 200)
    await asyncio.sleep(10_000)
    assert not session.ended.done()


@virtual_time
async def test_rfc4028_every_reinvite_of_ours_refreshes_and_keeps_the_refresher() -> None:
    _, bob, session = await answered_by_script(("Session-Expires", "600;refresher=uas"))
    pending = asyncio.ensure_future(session.reinvite(OFFER))
    again = await bob.request("INVITE")
    assert again.headers.get("Session-Expires") == "600;refresher=uas"
    bob.answer(again, 200, body=ANSWER, headers=(("Session-Expires", "600;refresher=uas"),))
    assert await pending == ANSWER
    started = now()
    await session.ended
    assert now() - started == pytest.approx(600 - 32, abs=1)


@virtual_time
async def test_rfc4028_a_refresh_waits_for_an_offer_that_is_under_way() -> None:
    _, bob, session = await answered_by_script(("Session-Expires", "100"))
    await asyncio.sleep(49.9)
    pending = asyncio.ensure_future(session.reinvite(OFFER))
    ours = await bob.request("INVITE")
    bob.answer(ours, 100)
    await asyncio.sleep(1)
    bob.answer(ours, 200, body=ANSWER, headers=(("Session-Expires", "100;refresher=uac"),))
    assert await pending == ANSWER
    started = now()
    await bob.request("INVITE")
    assert now() - started == pytest.approx(50, abs=5)


@virtual_time
async def test_rfc4028_two_of_us_talk_for_a_day_and_leave_nothing_behind() -> None:
    network = MemoryNetwork(Random(3), loss=0.05)
    alice, bob = endpoint(network, ALICE), endpoint(network, BOB)
    answerer = Answerer(bob)
    session = await answered(call(alice))
    await asyncio.sleep(86_400)
    assert not session.ended.done()
    assert 90 < len([line for line in network.lines() if line.startswith("UPDATE")]) < 200
    session.bye()
    await asyncio.sleep(200)
    assert answerer.sessions[0].ended.result().by == "remote"
    assert not any(alice.alive().values())
    assert not any(bob.alive().values())


async def answered(invite: OutgoingInvite) -> Session:
    while True:
        event = await invite.next_event()
        if isinstance(event, Answered):
            return event.session


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1800", SessionExpires(1800)),
        ("1800;refresher=UAS", SessionExpires(1800, "uas")),
        ("90 ; refresher = uac;x=1", SessionExpires(90, "uac")),
        ("90;refresher=proxy", SessionExpires(90)),
    ],
)
def test_rfc4028_4_session_expires_is_read_as_written(text: str, value: SessionExpires) -> None:
    assert SessionExpires.parse(text) == value
    assert SessionExpires.parse(str(value)) == value
