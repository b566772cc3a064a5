"""Row F23: whatever happens to a call, no byte that its caller gets tells whom it reached, or where."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from b2bua.call.caller import CallerLeg
from b2bua.demo.softphone import Habit, Softphone
from b2bua.sip.uri import parse_uri
from media.commands import Tone
from tests.harness.clock import virtual_time
from tests.harness.office import CALLER, MOBILES, SERVER, Office, office, reinvite

NUMBER, OWN = "+48221239999", "+48221230001"
MOBILE = "+48600999888"
CALLER_HOST, CALLER_PORT = "198.51.100.7", 5070
ANNA_HOST, PIOTR_HOST, OUTSIDE_HOST = "10.66.1.101", "10.66.1.102", "10.77.7.7"
SECRETS = (
    *(ANNA_HOST, PIOTR_HOST, OUTSIDE_HOST, "127.0.0.2"),
    *("600999888", "600100200", "600100201"),
    *("5101", "5102", "5090"),
    *("yealink", "grandstream", "gsm-gateway", "anna", "nowak", "piotr", "zieli", "sales", "confidential"),
    *("diversion", "history-info", "referred-by", "remote-party-id", "302", "486", "603"),
)
PHONES = '[[step]]\nring = ["101", "102"]\nfor = "5s"\n[[step]]\n'
OUTSIDE = f'ring = ["{MOBILE}"]\nfor = "20s"\n'
VOICEMAIL = '[[step]]\nvoicemail = "sales"\n'
TALKS = Habit(answers_after=1)
Scene = Callable[[Office, Softphone, Softphone], Awaitable[None]]


async def up(phone: Softphone, *, within: float = 20) -> CallerLeg:
    """Return the call of a phone once it has answered."""
    leg = (await phone.invited(within=within)).leg
    async with asyncio.timeout(within):
        while not leg.is_answered:
            await asyncio.sleep(0.05)
    return leg


async def hold(_: Office, anna: Softphone, __: Softphone) -> None:
    """Anna holds and resumes."""
    talk = await up(anna)
    for direction in ("sendonly", "sendrecv", "inactive", "sendrecv"):
        await asyncio.sleep(2)
        await reinvite(talk, direction)
    await asyncio.sleep(8)
    talk.hang_up()


async def transfer(_: Office, anna: Softphone, mobiles: Softphone) -> None:
    """Anna sends the caller on to a mobile."""
    talk = await up(anna)
    await asyncio.sleep(2)
    assert talk.session is not None
    talk.session.refer(parse_uri(f"sip:{MOBILE}@{SERVER.host}"))
    outside = await up(mobiles)
    await asyncio.sleep(8)
    outside.hang_up()


async def wordy_end(_: Office, anna: Softphone, __: Softphone) -> None:
    """Anna's phone says in its BYE why it ends the call."""
    talk = await up(anna)
    await asyncio.sleep(8)
    assert talk.session is not None
    talk.session.bye(reason='SIP;cause=486;text="confidential"')


async def mobile(_: Office, __: Softphone, mobiles: Softphone) -> None:
    """Nobody takes a phone; a mobile does, and hangs up."""
    talk = await up(mobiles)
    await asyncio.sleep(8)
    talk.hang_up()


async def confirmed(_: Office, __: Softphone, mobiles: Softphone) -> None:
    """A mobile is asked, and takes the call."""
    talk = await up(mobiles)
    await asyncio.sleep(4)
    talk.media.send_digits("1")
    await asyncio.sleep(8)
    talk.hang_up()


async def nobody(demo: Office, _: Softphone, __: Softphone) -> None:
    await asyncio.sleep(20)  # the voicemail speaks


SCENES: dict[str, tuple[Scene, str, Habit, Habit]] = {
    "held": (hold, PHONES + OUTSIDE, TALKS, Habit()),
    "transferred": (transfer, PHONES + OUTSIDE, TALKS, TALKS),
    "ended with a reason": (wordy_end, PHONES + OUTSIDE, TALKS, Habit()),
    "taken outside": (mobile, PHONES + OUTSIDE, Habit(refuses_with=302, refuses_after=1), TALKS),
    "confirmed outside": (confirmed, PHONES + OUTSIDE + "confirm = true\n", Habit(), TALKS),
    "early sound outside": (
        mobile,
        PHONES + OUTSIDE,
        Habit(refuses_with=486),
        Habit(answers_after=3, plays_early=[Tone((425.0,), 1.0)]),
    ),
    "taken in the queue": (wordy_end, '[[step]]\nqueue = "sales"\n', TALKS, Habit()),
    "refused everywhere": (nobody, PHONES + OUTSIDE, Habit(refuses_with=603), Habit(refuses_with=486)),
}


@pytest.mark.parametrize("scene", SCENES)
def test_row_f23_no_byte_to_the_caller_tells_where_the_call_went(tmp_path: Path, scene: str) -> None:
    play, scheme, at_desk, outside = SCENES[scene]

    def elsewhere(text: str) -> str:
        gateway = ('host = "127.0.0.1"\nport = 5090', f'host = "{OUTSIDE_HOST}"\nport = 5090')
        trusted = ('accepts-from = ["127.0.0.0/8"]', f'accepts-from = ["127.0.0.0/8", "{CALLER_HOST}"]')
        return text.replace(*gateway).replace(*trusted)

    @virtual_time(limit_s=600)
    async def tell() -> None:
        async with office(tmp_path, scheme=scheme + VOICEMAIL, change=elsewhere) as demo:
            sound: list[tuple[bytes, tuple[str, int]]] = []
            demo.rtp.drop = lambda content, _, destination: bool(sound.append((content, destination)))
            anna = await demo.phone("101", at_desk, host=ANNA_HOST, name="Yealink-T46")
            await demo.phone("102", Habit(), host=PIOTR_HOST, name="Grandstream-1")
            mobiles = await demo.softphone("GSM-Gateway", MOBILES[1], host=OUTSIDE_HOST)
            mobiles.habit = outside
            trunk = await demo.softphone("trunk", CALLER_PORT, host=CALLER_HOST)
            call = await trunk.call(SERVER, NUMBER, from_number=CALLER)
            answered = asyncio.create_task(call.answered(within=60))
            await play(demo, anna, mobiles)
            leg = await answered
            ours = leg.media.address
            await asyncio.sleep(1)
            leg.hang_up()
            await asyncio.sleep(1)
            sip = [packet.wire for packet in demo.network.log if packet.destination.host == CALLER_HOST]
            assert len(sip) >= 3
            reports = [
                content for content, to in sound if to[0] == ours[0] and to[1] in (ours[1], ours[1] + 1)
            ]
            reports = [content for content in reports if 192 <= content[1] <= 223]
            assert reports
            assert_nothing_of(SECRETS, b"\n".join(sip))
            # Its name in reports is a number by chance, in which four digits may be those of a port.
            assert_nothing_of(
                tuple(each for each in SECRETS if len(each) > 4 or not each.isdigit()), b"\n".join(reports)
            )

    tell()


def assert_nothing_of(secrets: tuple[str, ...], sent: bytes) -> None:
    """Check what was sent; numbers by chance (tags, branches, the session's id) may hold a short number."""
    text = sent.decode("utf-8", "replace").lower()
    text = re.sub(r"\no=\S+ \d+ ", "\no=", text)
    text = re.sub(r"(tag=|branch=|call-id: *)\S+", r"\1", text)
    for secret in secrets:
        assert secret not in text, (secret, text[max(0, text.find(secret) - 200) :][:400])
