"""Rows V1, V2, V5, V7 and V8: voicemail on the demo office, in virtual time."""

from __future__ import annotations

import asyncio
import email
import email.policy
import errno
import os
import shutil
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from b2bua.call.callee import CalleeLeg
from b2bua.call.sound import SoundProfile
from b2bua.demo.softphone import Habit
from b2bua.notify.texts import ENGLISH
from b2bua.store.calls import CallOutcome, EventKind
from b2bua.store.story import story
from media.client import Tone
from media.sdp.negotiate import LocalMedia, make_offer, read_answer
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing
from tests.harness.markers import marked_prompts
from tests.harness.office import CALLER, NUMBER, SERVER, Office, office
from tests.harness.prompts import Ears, marked_office, names

VOICEMAIL = "+48221230005"
GREETING = "voicemail-greeting-working"
BEEP_HZ = 1000.0
VOICE_HZ = 700.0
OTHER_HZ = 1900.0
SUNDAY = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
BY_HOURS = """
[hours.office]
mon-fri = "09:00-18:00"

[number."+48221230008"]
in-hours = "voicemail"
off-hours = "voicemail"
schedule = "office"
"""


async def after_the_beep(demo: Office, ears: Ears, number: str = VOICEMAIL) -> CalleeLeg:
    """Return a caller who may speak now."""
    caller = await (await demo.call_in(number)).answered(within=1)
    return await beeped(ears, caller)


async def beeped(ears: Ears, caller: CalleeLeg, *, within: float = 31) -> CalleeLeg:
    """Return ``caller`` once the beep has been heard to its end."""
    await ears.until_tone(caller.media, BEEP_HZ, within=within)
    await asyncio.sleep(0.5)
    return caller


def recordings(demo: Office) -> list[Path]:
    """Return the recordings in the office's folder."""
    return sorted((demo.folder / "data" / "voicemail").rglob("*.wav"))


def message(demo: Office) -> Hearing:
    """Return the sound of the only message, which is as loud as it was said."""
    (recording,) = recordings(demo)
    hearing = Hearing.of_file(recording)
    assert hearing.clipping() == []
    return hearing


def with_own_prompts(text: str, folder: Path) -> str:
    """Return a configuration whose own prompts lie in ``folder``."""
    return text.replace("[office]\n", f'[office]\nprompts = "{folder}"\n', 1)


async def mails(demo: Office, count: int = 1, *, within: float = 10) -> list[EmailMessage]:
    """Return the mails in the outbox folder once there are ``count``."""
    folder = demo.folder / "data" / "outbox"
    await demo.until(lambda: len(list(folder.glob("*.eml"))) >= count, within=within)
    parse = email.message_from_bytes
    return [parse(path.read_bytes(), policy=email.policy.default) for path in sorted(folder.glob("*.eml"))]


@virtual_time(limit_s=900)
@pytest.mark.parametrize("are_phones_there", [True, False], ids=["nobody-answers", "everything-off"])
@pytest.mark.parametrize(
    "number",
    [
        "+48221230001",
        "+48221230002",
        "+48221230003",
        "+48221230004",
        "+48221230005",
        "+48221230006",
        "+48221239999",
        "unknown",
    ],
)
async def test_row_v1_every_number_ends_in_voicemail(
    number: str, are_phones_there: bool, tmp_path: Path
) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        if are_phones_there:
            await demo.mobiles()
            for extension in ("101", "102", "103", "104"):
                await demo.phone(extension)
        placed = await demo.call_in(number)
        caller = await placed.answered(within=65)
        await beeped(ears, caller, within=130)
        assert names(ears.heard(caller.media))[-1] == GREETING
        assert {status for _, status in placed.statuses} <= {180, 200}
        await caller.play([Tone((VOICE_HZ,), 3.0)])
        caller.hang_up()
        (only,) = await demo.stories()
        assert only.outcome is CallOutcome.MESSAGE
        assert story(only).endswith("left a message of 3 s")
        [said] = message(demo).spans_of(VOICE_HZ)
        assert said.seconds == pytest.approx(3.0, abs=0.1)


@virtual_time(limit_s=600)
@pytest.mark.parametrize(
    ("at", "greeting"),
    [
        (datetime(2026, 11, 23, 11, 0, tzinfo=UTC), GREETING),
        (SUNDAY, "voicemail-greeting-off-hours"),
        (datetime(2026, 11, 23, 17, 30, tzinfo=UTC), "voicemail-greeting-off-hours"),
    ],
    ids=["monday-noon", "sunday", "monday-18:30"],
)
async def test_row_v2_the_greeting_follows_the_hours_of_the_number(
    at: datetime, greeting: str, tmp_path: Path
) -> None:
    async with marked_office(tmp_path, at=at, change=lambda text: text + BY_HOURS) as (demo, ears):
        caller = await after_the_beep(demo, ears, "+48221230008")
        assert names(ears.heard(caller.media)) == [greeting]
        caller.hang_up()
        await asyncio.sleep(1)


@virtual_time(limit_s=600)
async def test_row_v2_an_own_greeting_that_was_deleted_is_replaced_by_ours(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(marked_prompts(), tmp_path / "prompts"))
    own = Path(shutil.copy(folder / "welcome.wav", folder / "own.wav"))

    def change(text: str) -> str:
        return text.replace("[voicemail.sales]\n", '[voicemail.sales]\ngreeting = "own"\n')

    async with office(tmp_path, change=lambda text: with_own_prompts(change(text), folder)) as demo:
        ears = Ears(demo.rtp, lambda: demo.now)
        first = await after_the_beep(demo, ears)
        assert names(ears.heard(first.media)) == ["welcome"]
        first.hang_up()
        own.unlink()
        second = await after_the_beep(demo, ears)
        assert names(ears.heard(second.media)) == [GREETING]
        second.hang_up()
        await asyncio.sleep(1)


@virtual_time(limit_s=600)
async def test_row_v5_the_mail_with_the_recording_is_in_the_outbox_within_10_s(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        caller = await after_the_beep(demo, ears)
        await caller.play([Tone((VOICE_HZ,), 6.0)])
        caller.hang_up()
        (mail,) = await mails(demo)
        assert mail["To"] == "sales@office.example"
        assert "+48500600700" in mail["Subject"]
        (attachment,) = list(mail.iter_attachments())
        assert attachment.get_content_type() in ("audio/wav", "audio/x-wav")
        path = tmp_path / "attached.wav"
        await asyncio.to_thread(path.write_bytes, attachment.get_content())
        hearing = Hearing.of_file(path)
        assert hearing.seconds == pytest.approx(6.0, abs=0.7)
        assert [span.seconds for span in hearing.spans_of(VOICE_HZ)] == [pytest.approx(6.0, abs=0.1)]
        assert (hearing.gaps(), hearing.clipping()) == ([], [])


@virtual_time(limit_s=600)
async def test_row_v7_a_hang_up_in_the_middle_of_a_word_keeps_what_was_said(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        caller = await after_the_beep(demo, ears)
        caller.media.play([Tone((VOICE_HZ,), 30.0)])
        await asyncio.sleep(4.2)
        caller.hang_up()
        (only,) = await demo.stories()
        assert only.outcome is CallOutcome.MESSAGE
        [said] = message(demo).spans_of(VOICE_HZ)
        assert said.seconds == pytest.approx(4.2, abs=0.1)
        await demo.people_leave()
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_v7_the_file_grows_while_the_caller_speaks_and_is_playable_at_any_time(
    tmp_path: Path,
) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        caller = await after_the_beep(demo, ears)
        began = demo.now
        caller.media.play([Tone((VOICE_HZ,), 30.0)])
        for _ in range(8):
            await asyncio.sleep(1.3)
            [said] = message(demo).spans_of(VOICE_HZ)
            assert said.seconds > demo.now - began - 0.6
        caller.hang_up()
        await asyncio.sleep(1)


@virtual_time(limit_s=600)
async def test_row_v7_hash_ends_the_message_and_the_caller_hears_that_it_is_saved(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        caller = await after_the_beep(demo, ears)
        await caller.play([Tone((VOICE_HZ,), 4.0)])
        caller.media.send_digits("#")
        pressed = demo.now
        await demo.until(lambda: not caller.is_up, within=15)
        after = ears.heard(caller.media, since=pressed)
        assert names(after) == ["message-saved", "goodbye"]
        assert after[0].at - pressed < 0.3
        assert demo.now - after[-1].until < 0.2
        (only,) = await demo.stories()
        assert only.outcome is CallOutcome.MESSAGE
        [said] = message(demo).spans_of(VOICE_HZ)
        assert said.seconds == pytest.approx(4.0, abs=0.1)


@virtual_time(limit_s=600)
async def test_row_v7_other_keys_do_not_end_the_message(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        caller = await after_the_beep(demo, ears)
        for key in "5*0":
            await caller.play([Tone((VOICE_HZ,), 2.0)])
            caller.media.send_digits(key)
            await asyncio.sleep(0.3)
        caller.hang_up()
        (only,) = await demo.stories()
        assert only.outcome is CallOutcome.MESSAGE
        spans = [span.seconds for span in message(demo).spans_of(VOICE_HZ)]
        assert spans == pytest.approx([2.0, 2.0, 2.0], abs=0.1)
        assert sum(spans) == pytest.approx(6.0, abs=0.1)


@virtual_time(limit_s=600)
async def test_row_v7_the_mailbox_s_limit_ends_the_message(tmp_path: Path) -> None:
    def short(text: str) -> str:
        return text.replace("[voicemail.sales]\n", '[voicemail.sales]\nmax = "5s"\n')

    async with marked_office(tmp_path, change=short) as (demo, ears):
        caller = await after_the_beep(demo, ears)
        began = demo.now
        caller.media.play([Tone((VOICE_HZ,), 60.0)])
        saved = await ears.until_prompt(caller.media, "message-saved", within=7)
        assert saved - began == pytest.approx(4.7, abs=0.5)
        await demo.until(lambda: not caller.is_up, within=10)
        (only,) = await demo.stories()
        assert only.outcome is CallOutcome.MESSAGE
        assert 4.0 < message(demo).seconds_of(VOICE_HZ) <= 5.0


@virtual_time(limit_s=600)
async def test_row_v7_whose_recording_is_deleted_while_they_speak_is_owed_a_call_back(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        caller = await after_the_beep(demo, ears)
        await caller.play([Tone((VOICE_HZ,), 4.0)])
        await asyncio.to_thread(shutil.rmtree, recordings(demo)[0].parent)
        caller.media.send_digits("#")
        await ears.until_prompt(caller.media, "message-empty", within=2)
        await demo.until(lambda: not caller.is_up, within=10)
        (only,) = await demo.stories()
        assert only.outcome is CallOutcome.PROMISE


@virtual_time(limit_s=600)
async def test_row_v7_who_speaks_to_a_full_disk_is_told_at_once_and_owed_a_call_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with marked_office(tmp_path) as (demo, ears):
        monkeypatch.setattr("media.recorder.RecordingFile", full)
        caller = await (await demo.call_in(VOICEMAIL)).answered(within=1)
        caller.media.play([Tone((VOICE_HZ,), 60.0)])
        beep = await ears.until_tone(caller.media, BEEP_HZ, within=31)
        told = await ears.until_prompt(caller.media, "message-empty", within=5)
        assert told - beep < 1.5
        await demo.until(lambda: not caller.is_up, within=10)
        (only,) = await demo.stories()
        assert only.outcome is CallOutcome.PROMISE


@virtual_time(limit_s=600)
async def test_row_v7_a_message_that_a_full_disk_cuts_short_is_said_to_be_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with marked_office(tmp_path) as (demo, ears):
        caller = await after_the_beep(demo, ears)
        caller.media.play([Tone((VOICE_HZ,), 60.0)])
        await asyncio.sleep(5)
        monkeypatch.setattr("media.soundfile.RecordingFile.append", full)
        await ears.until_prompt(caller.media, "message-saved", within=2)
        await demo.until(lambda: not caller.is_up, within=10)
        (only,) = await demo.stories()
        assert only.outcome is CallOutcome.MESSAGE
        assert story(only).endswith(", cut short")
        (mail,) = await mails(demo)
        body = mail.get_body()
        assert body is not None
        assert ENGLISH.cut_short in body.get_content()


@virtual_time(limit_s=600)
async def test_row_v7_a_mailbox_without_a_folder_costs_no_farewell_and_the_caller_is_owed_a_call_back(
    tmp_path: Path,
) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        (demo.folder / "data" / "voicemail").touch()  # so that no folder can be made there
        caller = await (await demo.call_in(VOICEMAIL)).answered(within=1)
        await demo.until(lambda: not caller.is_up, within=40)
        assert names(ears.heard(caller.media)) == [GREETING, "message-empty", "goodbye"]
        (only,) = await demo.stories()
        assert (only.outcome, "error" in story(only)) == (CallOutcome.PROMISE, False)


@virtual_time(limit_s=600)
@pytest.mark.parametrize("codec", ["PCMA", "PCMU", "G722", "opus"])
async def test_row_v7_is_recorded_in_the_callers_codec(codec: str, tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        trunk = await demo.softphone("trunk", 6900)
        trunk.profile = SoundProfile(codecs=(codec,))
        caller = await (await trunk.call(SERVER, VOICEMAIL, from_number=CALLER)).answered(within=1)
        await beeped(ears, caller)
        assert caller.media.agreement is not None
        assert caller.media.agreement.codec == codec
        await caller.play([Tone((VOICE_HZ,), 4.0)])
        caller.hang_up()
        await demo.stories()
        [said] = message(demo).spans_of(VOICE_HZ)
        assert said.seconds == pytest.approx(4.0, abs=0.1)


async def renegotiate(
    caller: CalleeLeg,
    *,
    version: int,
    codecs: tuple[str, ...] = ("PCMA", "PCMU"),
    direction: str = "sendrecv",
) -> None:
    """Send a re-INVITE from the caller and take its answer."""
    address, port = caller.media.address
    local = LocalMedia(address=address, port=port, codecs=codecs, session_id=7, version=version)
    offer = make_offer(local, direction=direction)
    assert caller.session is not None
    caller.connect(read_answer(offer, await caller.session.reinvite(offer)))


@virtual_time(limit_s=600)
async def test_row_v7_hold_and_resume_while_recording(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        caller = await after_the_beep(demo, ears)
        await caller.play([Tone((VOICE_HZ,), 3.0)])
        await renegotiate(caller, version=2, direction="inactive")
        await asyncio.sleep(3)
        await renegotiate(caller, version=3)
        await caller.play([Tone((OTHER_HZ,), 3.0)])
        caller.hang_up()
        (only,) = await demo.stories()
        assert only.outcome is CallOutcome.MESSAGE
        hearing = message(demo)
        [before], [after] = hearing.spans_of(VOICE_HZ), hearing.spans_of(OTHER_HZ)
        assert before.seconds == pytest.approx(3.0, abs=0.1)
        assert after.seconds == pytest.approx(3.0, abs=0.1)
        assert after.at - before.until == pytest.approx(3.0, abs=0.1)


@virtual_time(limit_s=600)
@pytest.mark.parametrize("codec", ["PCMU", "G722", "opus"])
async def test_row_v7_another_codec_from_the_middle_on(codec: str, tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        caller = await after_the_beep(demo, ears)
        await caller.play([Tone((VOICE_HZ,), 3.0)])
        await renegotiate(caller, version=2, codecs=(codec,))
        await caller.play([Tone((OTHER_HZ,), 3.0)])
        caller.hang_up()
        await demo.stories()
        hearing = message(demo)
        [before], [after] = hearing.spans_of(VOICE_HZ), hearing.spans_of(OTHER_HZ)
        assert before.seconds == pytest.approx(3.0, abs=0.1)
        assert after.seconds == pytest.approx(3.0, abs=0.1)
        assert before.seconds + after.seconds > 0.9 * hearing.seconds, "nothing else is in the file"


@virtual_time(limit_s=600)
async def test_row_v8_a_hang_up_5_s_into_the_greeting_is_a_promise_and_no_message(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        caller = await (await demo.call_in(VOICEMAIL)).answered(within=1)
        await asyncio.sleep(5)
        assert names(ears.heard(caller.media)) == [f"{GREETING}…"]
        caller.hang_up()
        (only,) = await demo.stories()
        assert only.outcome is CallOutcome.PROMISE
        assert "hung up in the voicemail greeting" in story(only)
        assert recordings(demo) == []


@virtual_time(limit_s=600)
async def test_row_v8_silence_only_is_flagged_and_a_promise(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        caller = await after_the_beep(demo, ears)
        await caller.play([Tone((VOICE_HZ,), 8.0, level_db=-70.0)])
        caller.hang_up()
        (only,) = await demo.stories()
        assert only.outcome is CallOutcome.PROMISE
        assert "left a silent message of 8 s" in story(only)
        assert len(recordings(demo)) == 1


@virtual_time(limit_s=600)
async def test_row_v8_who_says_nothing_hears_so(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        caller = await after_the_beep(demo, ears)
        caller.media.send_digits("#")
        await demo.until(lambda: not caller.is_up, within=15)
        assert names(ears.heard(caller.media)) == [GREETING, "message-empty", "goodbye"]
        (only,) = await demo.stories()
        assert only.outcome is CallOutcome.PROMISE
        assert recordings(demo) == []


@virtual_time(limit_s=600)
async def test_row_v8_who_stays_silent_in_another_mailbox_than_the_offices_is_asked_once(
    tmp_path: Path,
) -> None:
    other = '[voicemail.other]\ngreeting = "connected"\nmax = "5s"\n[[step]]\nvoicemail = "other"\n'
    async with office(tmp_path, scheme=other) as demo:
        caller = await (await demo.call_in(NUMBER)).answered(within=5)
        await demo.until(lambda: not caller.is_up, within=30)
        [only] = await demo.stories()
        assert [event.who for event in only.events if event.kind is EventKind.VOICEMAIL] == ["other"]
        assert not [event for event in only.events if event.kind is EventKind.ERROR]
        assert only.outcome is CallOutcome.PROMISE


@virtual_time(limit_s=600)
async def test_row_v3_a_key_skips_the_greeting_but_keys_pressed_before_do_not(tmp_path: Path) -> None:
    async with marked_office(tmp_path) as (demo, ears):
        linked = await (await demo.call_in(VOICEMAIL, uri="tel:+48221230005,103")).answered(within=1)
        await asyncio.sleep(3)
        assert ears.tone(linked.media, BEEP_HZ) == []
        began = demo.now
        linked.media.send_digits("#")
        assert await ears.until_tone(linked.media, BEEP_HZ, within=1) - began < 0.3
        await asyncio.sleep(0.5)
        await linked.play([Tone((VOICE_HZ,), 2.0)])
        linked.hang_up()
        (only,) = await demo.stories()
        assert only.outcome is CallOutcome.MESSAGE


@virtual_time(limit_s=600)
async def test_row_f5_a_colleague_who_calls_leaves_a_message_too(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna = await demo.phone("101", Habit())
        await demo.phone("102", Habit())
        leg = await (await demo.call_from(anna, "101", "102")).answered(within=25)
        await asyncio.sleep(32)
        await leg.play([Tone((VOICE_HZ,), 3.0)])
        leg.hang_up()
        (only,) = await demo.stories()
        assert only.outcome is CallOutcome.MESSAGE
