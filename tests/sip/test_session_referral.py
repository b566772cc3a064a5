"""REFER both ways, Replaces and Referred-By (RFC 3515, RFC 3891, RFC 3892, RFC 4488)."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from b2bua.errors import Declined, MalformedMessage, NotAcceptable
from b2bua.sip.message import Request, Response, response_to
from b2bua.sip.replaces import Replaces
from b2bua.sip.session import Answered, IncomingInvite, Progress, Referral, Session
from b2bua.sip.session.referral import ReferTo
from b2bua.sip.uri import parse_uri
from tests.harness.clock import virtual_time
from tests.sip.phones import ALICE, ANSWER, BOB, OFFER, Answerer, MemoryNetwork, call, endpoint
from tests.sip.scripted import Scripted


async def talking() -> tuple[Scripted, Session, Request, Response]:
    """Return a script that called an endpoint, the session there, and what made their dialog."""
    network = MemoryNetwork()
    alice, bob = Scripted(network, ALICE), endpoint(network, BOB)
    answerer = Answerer(bob)
    invite = alice.invite(BOB)
    answer = await alice.response(200)
    alice.ack(invite, answer)
    await asyncio.sleep(0.1)
    return alice, answerer.sessions[0], invite, answer


def refer(
    alice: Scripted, invite: Request, answer: Response, to: str, *headers: tuple[str, str], cseq: int = 2
) -> Request:
    return alice.within(invite, answer, "REFER", cseq=cseq, headers=(("Refer-To", to), *headers))


@virtual_time
async def test_rfc3515_2_4_4_a_blind_transfer_is_accepted_and_told_from_the_first_notify_to_the_last() -> (
    None
):
    alice, session, invite, answer = await talking()
    referrals: list[Referral] = []
    session.on_refer = referrals.append
    refer(alice, invite, answer, "<sip:102@example.com>", ("Referred-By", "<sip:101@example.com>"))
    assert (await alice.response(202)).contact is not None
    trying = await alice.request("NOTIFY")
    assert trying.body == b"SIP/2.0 100 Trying\r\n"
    assert trying.headers.get("Event") == "refer;id=2"
    assert (trying.headers.get("Subscription-State") or "").startswith("active")
    assert trying.content_type == "message/sipfrag"
    alice.answer(trying, 200)
    referral = referrals[0]
    assert str(referral.target) == "sip:102@example.com"
    assert referral.referred_by == "<sip:101@example.com>"
    assert referral.replaces is None
    referral.notify(180)
    ringing = await alice.request("NOTIFY")
    referral.notify(200)  # held until the one before is answered, so that they arrive in order
    await asyncio.sleep(0.1)
    assert len([one for one in alice.seen if one.method == "NOTIFY"]) == 2
    alice.answer(ringing, 200)
    ok = await alice.request("NOTIFY")
    assert ok.body == b"SIP/2.0 200 OK\r\n"
    assert ok.headers.get("Subscription-State") == "terminated;reason=noresource"
    alice.answer(ok, 200)
    referral.notify(180)
    await asyncio.sleep(5)
    assert len([one for one in alice.seen if one.method == "NOTIFY"]) == 3


@virtual_time
async def test_rfc3515_a_transferor_who_has_hung_up_is_still_told() -> None:
    alice, session, invite, answer = await talking()
    referrals: list[Referral] = []
    session.on_refer = referrals.append
    refer(alice, invite, answer, "<sip:102@example.com>")
    alice.answer(await alice.request("NOTIFY"), 200)
    alice.within(invite, answer, "BYE", cseq=3)
    await alice.response(200)
    referrals[0].notify(200)
    assert (await alice.request("NOTIFY")).body.startswith(b"SIP/2.0 200")


@virtual_time
async def test_rfc4488_who_does_not_want_to_be_told_is_not() -> None:
    alice, session, invite, answer = await talking()
    referrals: list[Referral] = []
    session.on_refer = referrals.append
    refer(alice, invite, answer, "<sip:102@example.com>", ("Refer-Sub", "false"), ("Require", "norefersub"))
    assert (await alice.response(200)).headers.get("Refer-Sub") == "false"
    referrals[0].notify(200)
    await asyncio.sleep(5)
    assert not [one for one in alice.seen if one.method == "NOTIFY"]


@virtual_time
async def test_rfc3515_2_4_2_a_refer_that_cannot_be_followed_is_told_why_and_the_call_goes_on() -> None:
    alice, session, invite, answer = await talking()
    refer(alice, invite, answer, "<sip:102@example.com>", cseq=2)
    await alice.response(603)
    session.on_refer = lambda referral: None
    refer(alice, invite, answer, "<sip:102@example.com>", ("Refer-To", "<sip:103@example.com>"), cseq=3)
    await alice.response(400)
    for number, (to, status) in enumerate(
        (
            ("", 400),
            ("<sip:102@example.com?Replaces=x>", 400),
            ("<http://example.com>", 603),
            ("<sip:102@example.com;method=BYE>", 603),
        )
    ):
        refer(alice, invite, answer, to, cseq=4 + number)
        await alice.response(status)

    def refuse(referral: Referral) -> None:
        raise NotAcceptable("not this one")

    session.on_refer = refuse
    refer(alice, invite, answer, "<sip:102@example.com>", cseq=20)
    await alice.response(603)
    assert not session.ended.done()


@virtual_time
async def test_rfc3891_refer_names_the_call_that_is_replaced() -> None:
    alice, session, invite, answer = await talking()
    referrals: list[Referral] = []
    session.on_refer = referrals.append
    refer(
        alice,
        invite,
        answer,
        "<sip:102@b.example?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2&Require=replaces>",
    )
    await alice.response(202)
    assert referrals[0].replaces == Replaces("a@b", "1", "2")
    assert str(referrals[0].target) == "sip:102@b.example"


def test_rfc3891_replaces_in_a_refer_to_that_lacks_its_brackets_is_read_as_it_was_meant() -> None:
    wish = ReferTo.parse("sip:103@10.0.0.1?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc")
    assert (str(wish.target), wish.replaces) == ("sip:103@10.0.0.1", Replaces("a", "b", "c"))


@virtual_time
async def test_rfc3515_a_notify_that_nobody_wants_ends_the_telling() -> None:
    alice, session, invite, answer = await talking()
    referrals: list[Referral] = []
    session.on_refer = referrals.append
    refer(alice, invite, answer, "<sip:102@example.com>")
    alice.answer(await alice.request("NOTIFY"), 481)
    await asyncio.sleep(0.1)
    referrals[0].notify(200)
    await asyncio.sleep(5)
    assert len([one for one in alice.seen if one.method == "NOTIFY"]) == 1
    assert not session.ended.done()


# --- as the one who refers ----------------------------------------------------------------------------------


@virtual_time
async def test_rfc3515_our_refer_is_told_by_notify_what_became_of_it() -> None:
    alice, session, invite, answer = await talking()
    told: list[int] = []
    replaces = Replaces("a@b", "1", "2")
    ours = session.refer(
        parse_uri("sip:102@example.com"), replaces=replaces, headers=(("Referred-By", "<sip:x@y>"),)
    )
    ours.on_progress = told.append
    request = await alice.request("REFER")
    assert request.headers.get("Refer-To") == (
        "<sip:102@example.com?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2>"
    )
    alice.answer(request, 202)
    for number, (status, state) in enumerate(((100, "active"), (180, "active"), (200, "terminated"))):
        alice.within(
            invite,
            answer,
            "NOTIFY",
            cseq=2 + number,
            body=f"SIP/2.0 {status} So\r\n".encode(),
            content_type="message/sipfrag",
            headers=(("Event", "refer"), ("Subscription-State", state)),
        )
        await alice.response(200)
    assert ours.result.result() == 200
    assert told == [100, 180]


@virtual_time
async def test_rfc3515_our_refer_ends_with_its_refusal_or_with_the_call() -> None:
    alice, session, invite, answer = await talking()
    ours = session.refer(parse_uri("sip:102@example.com"))
    alice.answer(await alice.request("REFER"), 603)
    assert await ours.result == 603
    ours = session.refer(parse_uri("sip:102@example.com"))
    alice.answer(await alice.request("REFER"), 200, headers=(("Refer-Sub", "false"),))
    assert await ours.result == 202
    ours = session.refer(parse_uri("sip:102@example.com"))
    alice.answer(await alice.request("REFER"), 202)
    alice.within(invite, answer, "BYE", cseq=9)
    assert await ours.result == 487


@virtual_time
async def test_rfc6665_a_notify_that_nothing_asked_for_is_refused() -> None:
    alice, _, invite, answer = await talking()
    alice.within(invite, answer, "NOTIFY", cseq=2, headers=(("Event", "refer"),))
    await alice.response(481)
    alice.within(invite, answer, "NOTIFY", cseq=3, headers=(("Event", "weather"),))
    await alice.response(489)


# --- Replaces -----------------------------------------------------------------------------------------------


@virtual_time
async def test_rfc3891_3_an_invite_names_the_session_it_replaces() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), endpoint(network, BOB)
    answerer = Answerer(bob)
    invite = call(alice)
    while not isinstance(event := await invite.next_event(), Answered):
        pass
    far = answerer.sessions[0].dialog
    replaces = Replaces(far.call_id, far.local_tag, far.remote_tag)
    call(alice, headers=(("Replaces", str(replaces)), ("Require", "replaces")))
    await asyncio.sleep(0.1)
    assert answerer.invites[1].replaces == replaces
    assert bob.find_session(replaces) is answerer.sessions[0]
    assert bob.find_session(Replaces(far.call_id, far.remote_tag, far.local_tag)) is None
    event.session.bye()
    await asyncio.sleep(0.1)
    assert bob.find_session(replaces) is None


@virtual_time
async def test_rfc3891_3_a_broken_replaces_is_refused() -> None:
    network = MemoryNetwork()
    alice, bob = Scripted(network, ALICE), endpoint(network, BOB)
    invites: list[IncomingInvite] = []
    bob.on_invite = invites.append
    good = ("Replaces", "a;to-tag=1;from-tag=2")
    for number, headers in enumerate(((("Replaces", "a;to-tag=1"),), (good, good))):
        alice.invite(BOB, call_id=str(number), headers=headers)
        await alice.response(400)
    assert invites == []
    await asyncio.sleep(100)
    assert not any(bob.alive().values())


@virtual_time
async def test_rfc3891_3_replaces_in_anything_but_an_invite_is_refused() -> None:
    alice, session, invite, answer = await talking()
    good = ("Replaces", "a;to-tag=1;from-tag=2")
    alice.within(invite, answer, "OPTIONS", cseq=2, headers=(good,))
    assert (await alice.response(400)).reason == "Replaces belongs to INVITE"
    assert not session.ended.done()


@virtual_time
async def test_rfc3891_3_what_is_replaced_may_be_an_invite_of_ours_that_rings() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    ours = call(alice)
    asked = await bob.request("INVITE")
    bob.answer(asked, 180, tag="bob")
    assert isinstance(await ours.next_event(), Progress)
    ringing = Replaces(asked.call_id, to_tag=asked.from_.tag or "", from_tag="bob")
    assert alice.find_replaced(ringing) is ours
    ours.cancel()
    with pytest.raises(Declined) as refusal:
        alice.find_replaced(ringing)
    assert refusal.value.status == 603
    await asyncio.sleep(100)
    with pytest.raises(Declined) as refusal:
        alice.find_replaced(ringing)
    assert refusal.value.status == 481


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a@b;to-tag=1;from-tag=2", Replaces("a@b", "1", "2")),
        ("a@b ;from-tag=2;early-only;to-tag=1", Replaces("a@b", "1", "2", is_early_only=True)),
    ],
)
def test_rfc3891_6_1_replaces_is_read_as_written(text: str, value: Replaces) -> None:
    assert Replaces.parse(text) == value
    assert Replaces.parse(str(value)) == value


def test_rfc3891_6_1_replaces_without_a_tag_is_malformed() -> None:
    for text in ("", "a", "a;to-tag=1", ";to-tag=1;from-tag=2"):
        with pytest.raises(MalformedMessage):
            Replaces.parse(text)


# --- bodies in parts ----------------------------------------------------------------------------------------

MULTIPART = (
    b"--x\r\nContent-Type: application/isup\r\n"
    b"Content-Disposition: signal;handling=optional\r\n\r\n\x01\x02\r\n"
    b"--x\r\nContent-Type: application/sdp\r\n\r\n" + OFFER + b"\r\n--x--\r\n"
)


@virtual_time
async def test_rfc5621_3_1_the_sdp_part_of_a_multipart_body_is_the_offer() -> None:
    network = MemoryNetwork()
    alice, bob = Scripted(network, ALICE), endpoint(network, BOB)
    invites: list[IncomingInvite] = []
    bob.on_invite = invites.append
    kind = ("Content-Type", 'multipart/mixed;boundary="x"')
    request = alice.invite(BOB, body=b"", headers=(kind,))
    request.body = MULTIPART
    request.headers.put("CSeq", "2 INVITE")
    request.headers.put("Via", "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKparts;rport")
    request.headers.put("Call-ID", "in-parts")
    alice.send(request, BOB)
    await asyncio.sleep(0.1)
    assert invites[-1].offer == OFFER
    request.headers.put("Call-ID", "other-parts")
    request.headers.put("Via", "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKother;rport")
    request.body = MULTIPART.replace(b"application/sdp", b"text/plain")
    alice.send(request, BOB)
    await alice.response(415)


@virtual_time
async def test_rfc5621_3_1_the_sdp_part_of_a_multipart_answer_is_the_answer() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    invite = call(alice)
    request = await bob.request("INVITE")
    response = response_to(request, 200, to_tag="x")
    response.headers.add("Contact", "<sip:script@10.0.0.2:5060>")
    response.headers.add("Content-Type", "multipart/mixed; boundary=x")
    response.body = MULTIPART.replace(OFFER, ANSWER)
    bob.send(response, ALICE)
    answered = await invite.next_event()
    assert isinstance(answered, Answered)
    assert answered.body == ANSWER


# --- why it ended -------------------------------------------------------------------------------------------


@virtual_time
async def test_rfc3326_the_reason_of_a_bye_is_told_in_words() -> None:
    for value, why, status in (
        ('SIP;cause=600;text="Busy Everywhere"', "hung up: Busy Everywhere", 600),
        ("SIP;cause=480", "hung up: Temporarily Unavailable", 480),
        ('Q.850;cause=16;text="Normal call clearing"', "hung up", 16),
        ('Q.850;cause=38;text="Network out of order"', "hung up: Network out of order", 38),
        ("SIP;cause=x, ;;;", "hung up", None),
        ("", "hung up", None),
    ):
        alice, session, invite, answer = await talking()
        alice.within(invite, answer, "BYE", cseq=2, headers=(("Reason", value),))
        ending = await session.ended
        assert (ending.by, ending.why, ending.status) == ("remote", why, status)


def subscribe(
    alice: Scripted, invite: Request, answer: Response, expires: str, *, event: str = "refer;id=2", cseq: int
) -> None:
    """Ask to be told of a REFER for so many seconds."""
    lines = (("Event", event), ("Expires", expires))
    alice.within(invite, answer, "SUBSCRIBE", cseq=cseq, headers=lines)


@virtual_time
async def test_rfc3515_2_4_4_a_subscribe_refreshes_what_the_refer_began_and_ends_it_with_expires_0() -> None:
    alice, session, invite, answer = await talking()
    referrals: list[Referral] = []
    session.on_refer = referrals.append
    refer(alice, invite, answer, "<sip:102@example.com>")
    alice.answer(await alice.request("NOTIFY"), 200)
    referrals[0].notify(180)
    alice.answer(await alice.request("NOTIFY"), 200)
    subscribe(alice, invite, answer, "600", cseq=3)
    assert (await alice.response(200)).headers.get("Expires") == "600"
    still = await alice.request("NOTIFY")
    assert still.headers.get("Subscription-State") == "active;expires=600"
    assert still.body == b"SIP/2.0 180 Ringing\r\n"
    alice.answer(still, 200)
    subscribe(alice, invite, answer, "0", event="refer", cseq=4)
    assert (await alice.response(200)).headers.get("Expires") == "0"
    last = await alice.request("NOTIFY")
    assert last.headers.get("Subscription-State") == "terminated;reason=timeout"
    alice.answer(last, 200)
    await asyncio.wait_for(referrals[0].told, 1)
    referrals[0].notify(200)
    subscribe(alice, invite, answer, "600", cseq=5)
    assert await alice.response(481)
    await asyncio.sleep(5)
    assert len([one for one in alice.seen if one.method == "NOTIFY"]) == 4
    assert not session.ended.done()


@virtual_time
async def test_a_refer_that_is_over_is_kept_no_longer_than_to_the_next_one() -> None:
    alice, session, invite, answer = await talking()
    kept: list[weakref.ref[Referral]] = []
    session.on_refer = lambda referral: kept.append(weakref.ref(referral))
    refer(alice, invite, answer, "<sip:102@example.com>")
    alice.answer(await alice.request("NOTIFY"), 200)
    first = kept[0]()
    assert first is not None
    first.notify(404)
    alice.answer(await alice.request("NOTIFY"), 200)
    await asyncio.wait_for(first.told, 1)
    del first
    refer(alice, invite, answer, "<sip:103@example.com>", cseq=3)
    alice.answer(await alice.request("NOTIFY"), 200)
    await asyncio.sleep(40)
    gc.collect()
    assert [each() is None for each in kept] == [True, False]


@virtual_time
async def test_rfc6665_4_2_1_4_a_refer_that_nobody_refreshes_is_told_of_no_more_when_its_time_is_over() -> (
    None
):
    alice, session, invite, answer = await talking()
    referrals: list[Referral] = []
    session.on_refer = referrals.append
    refer(alice, invite, answer, "<sip:102@example.com>")
    alice.answer(await alice.request("NOTIFY"), 200)
    subscribe(alice, invite, answer, "90", cseq=3)
    alice.answer(await alice.request("NOTIFY"), 200)
    began = asyncio.get_running_loop().time()
    last = await alice.request("NOTIFY")
    assert asyncio.get_running_loop().time() - began == pytest.approx(90, abs=0.1)
    assert last.headers.get("Subscription-State") == "terminated;reason=timeout"
    alice.answer(last, 200)


@virtual_time
async def test_rfc3515_2_4_6_a_subscribe_within_a_call_is_about_a_refer_of_it_or_refused() -> None:
    alice, session, invite, answer = await talking()
    session.on_refer = lambda referral: None
    refer(alice, invite, answer, "<sip:102@example.com>")
    alice.answer(await alice.request("NOTIFY"), 200)
    for cseq, (event, status) in enumerate(
        (("refer;id=77", 481), ("presence", 489), ("refer;id=2", 400)), start=3
    ):
        subscribe(alice, invite, answer, "600" if status != 400 else "soon", event=event, cseq=cseq)
        assert await alice.response(status)
