"""Row Q10: an own sound file of any kind, heard by a caller in the codec of the call."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.call.sound import SoundProfile
from b2bua.config.load import load_config
from b2bua.inbound.sounds import Sounds
from b2bua.phrases import Phrasebook
from b2bua.surroundings import Surroundings
from media.commands import Clip
from media.levels import MUSIC_LUFS, SPEECH_LUFS
from media.tones import tone
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing
from tests.harness.office import CALLER, NUMBER, SERVER, office
from tests.harness.ports import free_port, media_ports
from tests.harness.product import quick_office
from tests.harness.soundfiles import write_sound

SAYS_WELCOME = """
[[step]]
say = "welcome"

[[step]]
queue = "sales"
for = "90s"

[[step]]
voicemail = "sales"
"""
PROMPT_HZ, MUSIC_HZ = 1000.0, 1000.0
SINE_LU = 3.0
"""By so much a sine of 1 kHz peaks above its loudness."""


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "G722", "opus"])
@virtual_time(limit_s=600)
async def test_row_q10_an_own_mp3_and_own_music_are_heard_at_the_loudness_of_ours(
    tmp_path: Path, codec: str
) -> None:
    folder = tmp_path / "sounds"
    (folder / "music").mkdir(parents=True)
    soft, loud = tone((PROMPT_HZ,), 3.0, 44_100, -38.0), tone((MUSIC_HZ,), 6.0, 44_100, -3.0)
    write_sound(folder / "welcome.mp3", soft, 44_100, "libmp3lame", layout="stereo")
    write_sound(folder / "music" / "calm.flac", loud, 44_100, "flac", layout="stereo")

    def own_sounds(text: str) -> str:
        return text.replace("[office]\n", f'[office]\nprompts = "{folder}"\n', 1)

    async with office(tmp_path, scheme=SAYS_WELCOME, change=own_sounds) as demo:
        for extension in ("101", "102", "103"):
            await demo.phone(extension)  # nobody answers
        trunk = await demo.softphone("trunk", 6900)
        trunk.profile = SoundProfile(codecs=(codec,))
        leg = await (await trunk.call(SERVER, NUMBER, from_number=CALLER)).answered(within=3)
        recording = leg.media.record(tmp_path / "heard.wav")
        await asyncio.sleep(3.0)
        hearing = Hearing.of_file((await recording.stop()).path)
        prompt = hearing.between(0.4, 2.6).levels(PROMPT_HZ)
        assert abs(prompt - (SPEECH_LUFS + SINE_LU)).max() < 1.5
        [whole] = hearing.spans_of(PROMPT_HZ)
        assert whole.seconds > 2.9
        assert hearing.clipping() == []
        recording = leg.media.record(tmp_path / "music.wav")
        await asyncio.sleep(20.0)
        hearing = Hearing.of_file((await recording.stop()).path)
        is_as_ours = abs(hearing.levels(MUSIC_HZ) - (MUSIC_LUFS + SINE_LU)) < 1.5
        assert is_as_ours.sum() > 300  # six seconds; announcements take the rest
        assert hearing.clipping() == []


def test_row_q10_own_music_may_stay_on_disk_as_it_is_sent(tmp_path: Path) -> None:
    folder = tmp_path / "sounds"
    (folder / "music").mkdir(parents=True)
    write_sound(folder / "music" / "own.flac", tone((MUSIC_HZ,), 1.0, 8000), 8000, "flac", layout="mono")
    book = Phrasebook(Phrasebook.found(), "en", folder)
    sounds = Sounds(lambda: book)
    [own], [ours] = sounds.music("own"), sounds.music("calm")
    assert isinstance(own, Clip)
    assert isinstance(ours, Clip)
    assert own.is_kept
    assert ours.is_kept, "though it is short: the first who hears it has a codec to be loaded"


async def test_row_q10_the_office_keeps_it_among_its_data(tmp_path: Path) -> None:
    text = quick_office(sip_port=free_port(), rtp=media_ports(8), outside_port=free_port())
    (tmp_path / "office.toml").write_text(text.replace('data = "data"', f'data = "{tmp_path}/data"'))
    engine = await Surroundings().starter(load_config(tmp_path / "office.toml"))()
    try:
        arguments = Path(f"/proc/{engine.pid}/cmdline").read_text().split("\0")
    finally:
        await engine.close()
    assert f"{tmp_path}/data/encoded" in arguments
