"""Going where a 3xx sends an INVITE, and not for ever (RFC 3261 §8.1.3.4)."""

from __future__ import annotations

import asyncio

import pytest

from b2bua.sip.session import Answered, OutgoingInvite, Refused
from b2bua.sip.transport.hop import Hop
from tests.harness.clock import virtual_time
from tests.sip.phones import ALICE, ANSWER, BOB, MemoryNetwork, call, endpoint
from tests.sip.scripted import Scripted

CAROL = Hop("udp", "10.0.0.3", 5060)


async def final(invite: OutgoingInvite) -> Answered | Refused:
    while not isinstance(event := await invite.next_event(), Answered | Refused):
        pass
    return event


@virtual_time
async def test_rfc3261_8_1_3_4_a_302_is_followed_within_the_same_call_when_allowed() -> None:
    network = MemoryNetwork()
    alice, bob, carol = endpoint(network, ALICE), Scripted(network, BOB), Scripted(network, CAROL)
    invite = call(alice, most_redirects=5)
    first = await bob.request("INVITE")
    bob.answer(first, 302, tag="x", headers=(("Contact", "<sip:carol@10.0.0.3;user=phone?Subject=x>"),))
    second = await carol.request("INVITE")
    assert second.uri == "sip:carol@10.0.0.3;user=phone"
    assert (second.call_id, second.from_.tag) == (first.call_id, first.from_.tag)
    assert second.cseq.number == first.cseq.number + 1
    assert second.to.tag is None
    carol.answer(second, 200, tag="y", body=ANSWER)
    answered = await final(invite)
    assert isinstance(answered, Answered)
    assert answered.body == ANSWER
    answered.session.bye()
    carol.answer(await carol.request("BYE"), 200)
    await asyncio.sleep(100)
    assert not any(alice.alive().values())


@virtual_time
async def test_rfc3261_8_1_3_4_the_most_wanted_is_tried_first_and_each_only_once() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    invite = call(alice, most_redirects=5)
    tried = []
    around = "<sip:one@10.0.0.2>;q=0.1, <sip:two@10.0.0.2>;q=0.9, <sip:bob@10.0.0.2:5060>, <tel:+48221234567>"
    for _ in range(3):
        request = await bob.request("INVITE")
        tried.append(request.uri)
        bob.answer(request, 302, tag="x", headers=(("Contact", around),))
    refused = await final(invite)
    assert tried == ["sip:bob@10.0.0.2:5060", "sip:two@10.0.0.2", "sip:one@10.0.0.2"]
    assert isinstance(refused, Refused)
    assert refused.status == 302


@virtual_time
async def test_rfc3261_8_1_3_4_a_busy_target_is_followed_by_the_next_one_and_a_circle_of_names_ends() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    invite = call(alice, most_redirects=5)
    both = (("Contact", "<sip:one@10.0.0.2>;q=0.9, <sip:two@10.0.0.2>"),)
    bob.answer(await bob.request("INVITE"), 300, tag="x", headers=both)
    bob.answer(await bob.request("INVITE"), 486, tag="x")
    assert (await bob.request("INVITE")).uri == "sip:one@10.0.0.2"
    invite.cancel()

    invite = call(alice, most_redirects=5)
    count = 0
    while not invite.is_done:
        try:
            async with asyncio.timeout(1):
                request = await bob.request("INVITE")
        except TimeoutError:
            break
        if request.call_id == invite.call_id:
            count += 1
            bob.answer(request, 302, tag="x", headers=(("Contact", f"<sip:{count}@10.0.0.2>"),))
    assert count == 6


@virtual_time
async def test_rfc3261_8_1_3_4_a_dead_or_silent_target_is_followed_by_the_next_one_and_never_rings_on() -> (
    None
):
    network = MemoryNetwork()
    alice, bob, carol = endpoint(network, ALICE), Scripted(network, BOB), Scripted(network, CAROL)
    invite = call(alice, most_redirects=5)
    targets = "<sip:dead@10.0.0.9>, <sip:silent@10.0.0.3>;q=0.9, <sip:good@10.0.0.2>;q=0.5"
    bob.answer(await bob.request("INVITE"), 302, tag="x", headers=(("Contact", targets),))
    silent = await carol.request("INVITE")
    asked_at = asyncio.get_running_loop().time()
    good = await bob.request("INVITE")
    assert (good.uri, asyncio.get_running_loop().time() - asked_at) == (
        "sip:good@10.0.0.2",
        pytest.approx(4.0),
    )
    carol.answer(silent, 180, tag="y")
    carol.answer(silent, 180, tag="y")
    cancel = await carol.request("CANCEL")
    carol.answer(silent, 200, tag="y", body=ANSWER)
    carol.answer(cancel, 481)
    bye = await carol.request("BYE")
    carol.answer(bye, 200)
    bob.answer(good, 200, tag="z", body=ANSWER)
    answered = await final(invite)
    assert isinstance(answered, Answered)
    assert answered.session.dialog.remote_tag == "z"
    answered.session.bye()
    bob.answer(await bob.request("BYE"), 200)
    await asyncio.sleep(100)
    assert not any(alice.alive().values())
    assert [request.method for request in carol.seen].count("CANCEL") == 1


@virtual_time
async def test_rfc3261_8_1_3_4_without_leave_a_302_is_a_refusal_that_names_its_contacts() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    invite = call(alice)
    bob.answer(await bob.request("INVITE"), 302, tag="x", headers=(("Contact", "<sip:carol@10.0.0.3>"),))
    refused = await final(invite)
    assert isinstance(refused, Refused)
    assert [str(contact.uri) for contact in refused.contacts] == ["sip:carol@10.0.0.3"]
