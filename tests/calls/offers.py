"""What INVITEs offer and how they are answered by hand; shared by the tests of codecs and of encryption."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from b2bua.call.leg import Leg
from b2bua.demo.softphone import Softphone
from b2bua.sip.headers import NameAddr
from b2bua.sip.session import Answered, OutgoingInvite, Progress, Session
from media.sdp.model import MediaDescription, SessionDescription
from media.sdp.negotiate import make_offer, read_answer
from tests.harness.office import CALLER, NUMBER, SERVER, Office


def phones(policy: str) -> Callable[[str], str]:
    """Return what gives all phones a policy of encryption."""
    return lambda text: text.replace("[sip]\n", f'[sip]\nsrtp = "{policy}"\n')


def trunks(policy: str) -> Callable[[str], str]:
    """Return what gives the inbound trunk a policy of encryption."""
    return lambda text: text.replace("[trunk.demo]\n", f'[trunk.demo]\nsrtp = "{policy}"\n')


def person(name: str, policy: str, change: Callable[[str], str] = str) -> Callable[[str], str]:
    """Return what gives one person a policy of their own."""
    return lambda text: change(text).replace(f"[person.{name}]\n", f'[person.{name}]\nsrtp = "{policy}"\n')


def offers(demo: Office, to_port: int) -> list[MediaDescription]:
    """Return the audio streams of the INVITEs to ``to_port``."""
    packets = demo.packets("INVITE", to_port=to_port)
    return [SessionDescription.parse(packet.wire.partition(b"\r\n\r\n")[2]).media[0] for packet in packets]


async def again(leg: Leg, direction: str) -> None:
    """Send a re-INVITE with the keys of before, as holding phones do."""
    assert leg.session is not None
    local = replace(leg.description.local, version=leg.description.local.version + 1)
    offer = make_offer(local, direction=direction)
    leg.connect(read_answer(offer, await leg.session.reinvite(offer)))


async def answer_of(invite: OutgoingInvite) -> Answered:
    """Return the 200 that ``invite`` gets."""
    while isinstance(event := await invite.next_event(), Progress):
        pass
    assert isinstance(event, Answered)
    return event


async def call_without_offer(trunk: Softphone, answer: Callable[[bytes], bytes]) -> Session:
    """Call ``NUMBER`` by an INVITE without SDP; ``answer`` makes of the office's offer what the ACK has."""
    caller = NameAddr.parse(f"<sip:{CALLER}@127.0.0.1>")
    invite = trunk.endpoint.invite(uri=f"sip:{NUMBER}@127.0.0.1", hop=SERVER, from_=caller, offer=b"")
    invite.on_offer = answer
    return (await answer_of(invite)).session
