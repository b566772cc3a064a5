"""Digits behind a dialled number, pressed once the far end has answered: I9 the other way round."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from b2bua.call.leg import Leg
from b2bua.demo.softphone import Habit, Softphone
from b2bua.sip.session import IncomingInvite, Session
from b2bua.store.calls import CallOutcome, EventKind
from b2bua.store.story import story
from media.commands import Tone
from media.dtmf import parse_info
from media.keypad import key_seconds
from media.sdp.negotiate import LocalMedia, make_answer
from tests.calls.test_transfer import dialog_of, refer
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing
from tests.harness.office import MOBILES, NUMBER, Office, office, reinvite
from tests.harness.prompts import Ears

FAR = "+48600100300"
FAR_HZ = 1100.0
KEY_S = key_seconds()
RING = """
[[step]]
ring = ["{}"]
for = "20s"

[[step]]
voicemail = "sales"
"""
ANSWERS = Habit(answers_after=1.0)
DEAF_SOUND = ("127.0.0.9", 4000)


@dataclass(frozen=True, slots=True)
class Pressed:
    """What the far end was told by keys."""

    leg: Leg
    """The far end's leg."""
    answered_at: float
    """When it answered."""
    ears: Ears
    """What hears it, and all others."""

    @classmethod
    async def by(cls, run: Office, phone: Softphone) -> Pressed:
        """Listen to the only call of ``phone`` from its answer on."""
        leg = (await phone.invited(within=10)).leg
        answered_at = await run.until(lambda: leg.is_answered, within=10)
        return cls(leg, answered_at, Ears(run.rtp, lambda: run.now))

    @property
    def digits(self) -> str:
        return self.ears.keys(self.leg.media)

    @property
    def times(self) -> list[float]:
        return [at - self.answered_at for at, _ in self.ears.presses(self.leg.media)]


@pytest.mark.parametrize(
    ("target", "digits", "times"),
    [
        ("+48600100300,555", "555", [2.0, 2.0 + KEY_S, 2.0 + 2 * KEY_S]),
        ("600 100 300p7", "7", [2.0]),
        ("+48600100300,,1w2#", "12#", [4.0, 6.0 + KEY_S, 6.0 + 2 * KEY_S]),
        ("tel:+48-600-100-300;postd=pp*7", "*7", [4.0, 4.0 + KEY_S]),
        ("tel:+48600100300;ext=12", "12", [2.0, 2.0 + KEY_S]),
    ],
)
def test_row_i9_digits_behind_a_number_of_a_step_are_pressed_after_the_answer_with_their_pauses(
    target: str, digits: str, times: list[float], tmp_path: Path
) -> None:
    @virtual_time(limit_s=600)
    async def played() -> None:
        async with office(tmp_path, scheme=RING.format(target)) as run:
            mobiles = await run.mobiles(ANSWERS)
            leg = await (await run.call_in(NUMBER)).answered(within=5)
            pressed = await Pressed.by(run, mobiles)
            await asyncio.sleep(8)
            assert pressed.digits == digits
            assert pressed.times == pytest.approx(times, abs=0.06)
            [invite] = run.packets("INVITE", to_port=MOBILES[1])
            assert invite.start_line.startswith(f"INVITE sip:{FAR}@127.0.0.1")
            leg.hang_up()
            [told] = await run.stories()
            [dialled_on] = [event for event in told.events if event.kind is EventKind.DIALLED_ON]
            assert (dialled_on.who, dialled_on.detail.replace(",", "").replace("w", "")) == (FAR, digits)
            assert story(told).startswith(f"pressed {dialled_on.detail} behind the number of {FAR}; talked")
            await run.settled()

    played()


@virtual_time(limit_s=600)
async def test_row_i9_the_caller_hears_the_far_end_meanwhile_and_neither_sees_nor_hears_the_digits(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=RING.format(f"{FAR},,987#")) as run:
        mobiles = await run.mobiles(ANSWERS)
        leg = await (await run.call_in(NUMBER)).answered(within=5)
        pressed = await Pressed.by(run, mobiles)
        pressed.leg.loop([Tone((FAR_HZ,), 1.0)])
        recording = leg.media.record(tmp_path / "caller.wav")
        leg.loop([Tone((440.0,), 1.0)])
        at_far_end = pressed.leg.media.record(tmp_path / "far.wav")
        await asyncio.sleep(6)
        caller_hears, far_hears = [
            Hearing.of_file((await each.stop()).path) for each in (recording, at_far_end)
        ]
        assert pressed.digits == "987#"
        assert pressed.ears.keys(leg.media) == ""
        assert caller_hears.seconds_of(FAR_HZ) > 5.7
        assert (caller_hears.gaps(), caller_hears.keys()) == ([], "")
        assert 4.0 < far_hears.seconds_of(440.0) < 6.0  # digits take its place
        to_caller = [packet.wire for packet in run.network.log if packet.destination.port == 6001]
        assert to_caller
        assert not any(b"987" in wire or FAR.encode() in wire for wire in to_caller)
        leg.hang_up()
        await run.settled()


@virtual_time(limit_s=600)
async def test_row_i9_a_mobile_may_have_digits_behind_it_and_is_normalised_without_them(
    tmp_path: Path,
) -> None:
    def change(text: str) -> str:
        assert text.count('mobile = "+48600100200"') == 1
        return text.replace('mobile = "+48600100200"', 'mobile = "600 100 200,,44"')

    async with office(tmp_path, scheme=RING.format("mobile of anna"), change=change) as run:
        mobiles = await run.mobiles(ANSWERS)
        leg = await (await run.call_in(NUMBER)).answered(within=5)
        pressed = await Pressed.by(run, mobiles)
        await asyncio.sleep(6)
        assert pressed.digits == "44"
        [invite] = run.packets("INVITE", to_port=MOBILES[1])
        assert invite.start_line.startswith("INVITE sip:+48600100200@127.0.0.1")
        leg.hang_up()
        [told] = await run.stories()
        assert "Anna Nowak's mobile +48600100200" in story(told)
        await run.settled()


@pytest.mark.parametrize(
    "uri", ["tel:+48600100300,55", "sip:+48600100300,55@127.0.0.1", "sip:600100300;postd=p55@127.0.0.1"]
)
def test_row_i9_a_phone_of_ours_may_dial_such_a_link(uri: str, tmp_path: Path) -> None:
    @virtual_time(limit_s=600)
    async def played() -> None:
        async with office(tmp_path) as run:
            anna, mobiles = await run.phone("101"), await run.mobiles(ANSWERS)
            placed = await run.call_from(anna, "101", "unused", uri=uri)
            leg = await placed.answered(within=5)
            pressed = await Pressed.by(run, mobiles)
            await asyncio.sleep(4)
            assert pressed.digits == "55"
            assert pressed.times[0] == pytest.approx(2.0, abs=0.06)
            leg.hang_up()
            [told] = await run.stories()
            assert (told.call.dialled, told.outcome) == (FAR, CallOutcome.TALKED)
            await run.settled()

    played()


class Deaf:
    """A far end that takes no telephone-event, and notes what INFO brings."""

    def __init__(self, phone: Softphone, *, status: int = 200) -> None:
        self.keys: list[tuple[float, str | None]] = []
        self._status = status
        phone.endpoint.on_invite = self._take

    def _take(self, invite: IncomingInvite) -> None:
        answer, _ = make_answer(invite.offer or b"", LocalMedia(*DEAF_SOUND, session_id=1, version=1))
        lines = [line for line in answer.decode().splitlines() if ":101 " not in line]
        body = "\r\n".join(lines).replace("RTP/AVP 8 101", "RTP/AVP 8") + "\r\n"
        self.session: Session = invite.accept(body.encode())
        self._answered_at = asyncio.get_running_loop().time()
        if self._status == 200:
            self.session.on_info = self._info

    def _info(self, content_type: str, body: bytes) -> None:
        at = asyncio.get_running_loop().time() - self._answered_at
        self.keys.append((at, parse_info(content_type, body)))


@virtual_time(limit_s=600)
async def test_row_i9_who_takes_no_telephone_event_is_pressed_by_info(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=RING.format(f"{FAR},5*0")) as run:
        far = Deaf(await run.softphone("far", MOBILES[1]))
        leg = await (await run.call_in(NUMBER)).answered(within=5)
        await asyncio.sleep(4)
        assert [key for _, key in far.keys] == ["5", "*", "0"]
        times = [at for at, _ in far.keys]
        assert times == pytest.approx([2.0, 2.0 + KEY_S, 2.0 + 2 * KEY_S], abs=0.06)
        leg.hang_up()
        await run.settled()


@virtual_time(limit_s=600)
async def test_row_i9_who_takes_neither_events_nor_info_hears_the_tones(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=RING.format(f"{FAR},5,5")) as run:
        far = Deaf(await run.softphone("far", MOBILES[1]), status=415)
        tones: list[bytes] = []
        leg = await (await run.call_in(NUMBER)).answered(within=5)
        await asyncio.sleep(1)
        run.rtp.drop = lambda packet, _source, to: to == DEAF_SOUND and tones.append(packet) is not None
        await asyncio.sleep(7)
        assert len(run.packets("INFO", to_port=MOBILES[1])) == 1  # refused once, it is not asked again
        assert len(tones) == 20  # twice five packets of tones and as many of the pause behind them
        assert Hearing.of_payloads("PCMA", [packet[12:] for packet in tones]).keys() == "55"
        assert not far.session.ended.done()
        leg.hang_up()
        [told] = await run.stories()
        assert told.outcome is CallOutcome.TALKED
        [dialled_on] = [event for event in told.events if event.kind is EventKind.DIALLED_ON]
        assert dialled_on.detail.replace(",", "") == "55"
        await run.settled()


@virtual_time(limit_s=600)
@pytest.mark.parametrize("quitter", ["caller", "far end"])
async def test_row_i9_a_hang_up_in_the_pause_ends_it(quitter: str, tmp_path: Path) -> None:
    async with office(tmp_path, scheme=RING.format(f"{FAR},,,555")) as run:
        mobiles = await run.mobiles(ANSWERS)
        leg = await (await run.call_in(NUMBER)).answered(within=5)
        pressed = await Pressed.by(run, mobiles)
        await asyncio.sleep(3)
        (leg if quitter == "caller" else pressed.leg).hang_up()
        [told] = await run.stories()
        assert told.outcome is CallOutcome.TALKED
        await run.settled()
        assert pressed.digits == ""


@virtual_time(limit_s=600)
async def test_row_i9_nothing_is_pressed_on_who_does_not_answer(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=RING.format(f"{FAR},555").replace("20s", "2s")) as run:
        mobiles = await run.mobiles()
        leg = await (await run.call_in(NUMBER)).answered(within=10)  # by the voicemail
        await asyncio.sleep(5)
        assert not mobiles.invitations[0].leg.has_digits
        leg.hang_up()
        await run.settled()


@virtual_time(limit_s=600)
async def test_row_i9_hold_in_the_pause_loses_no_digit(tmp_path: Path) -> None:
    async with office(tmp_path) as run:
        anna, mobiles = await run.phone("101"), await run.mobiles(ANSWERS)
        leg = await (await run.call_from(anna, "101", "unused", uri=f"tel:{FAR},,55")).answered(within=5)
        pressed = await Pressed.by(run, mobiles)
        await reinvite(leg, "sendonly")
        await asyncio.sleep(1)
        await reinvite(leg, "sendrecv")
        await asyncio.sleep(5)
        assert pressed.digits == "55"
        leg.hang_up()
        await run.settled()


@virtual_time(limit_s=600)
async def test_row_i9_an_attended_transfer_presses_nothing_a_second_time(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=RING.format("101")) as run:
        anna, mobiles = await run.phone("101", ANSWERS), await run.mobiles(ANSWERS)
        caller = await (await run.call_in(NUMBER)).answered(within=5)
        first = (await anna.invited(within=5)).leg
        await reinvite(first, "sendonly")
        consultation = await run.call_from(anna, "101", "unused", uri=f"tel:{FAR},77")
        second = await consultation.answered(within=5)
        pressed = await Pressed.by(run, mobiles)
        await asyncio.sleep(4)
        assert pressed.digits == "77"
        await refer(first, FAR, replaces=dialog_of(second)).result
        await asyncio.sleep(6)
        assert caller.is_up
        assert pressed.leg.is_up
        assert pressed.digits == "77"
        caller.hang_up()
        await run.settled()


@virtual_time(limit_s=600)
async def test_row_i9_digits_for_the_far_end_are_not_those_of_a_menu_here(tmp_path: Path) -> None:
    async with office(tmp_path) as run:
        anna, ivan = await run.phone("101"), await run.phone("104", ANSWERS)
        olena, mobiles = await run.phone("103", ANSWERS), await run.mobiles(ANSWERS)
        caller = await (await run.call_from(anna, "101", "unused", uri=f"tel:{FAR},103")).answered(within=5)
        pressed = await Pressed.by(run, mobiles)
        await asyncio.sleep(4)
        assert pressed.digits == "103"
        caller.hang_up()
        await asyncio.sleep(1)
        to_menu = await run.call_from(anna, "101", "unused", uri="tel:+48221230006,103")
        await to_menu.answered(within=5)
        await olena.invited(within=2)  # whereas these are
        assert (ivan.invitations, len(mobiles.invitations)) == ([], 1)
