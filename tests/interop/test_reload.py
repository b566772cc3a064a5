"""Row I15 with the started product: its file is edited while calls are up."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from b2bua.phrases import Phrasebook
from media.commands import Clip
from media.encoded_files import EncodedFiles
from media.encoding import Encoding
from media.levels import MUSIC_LUFS
from media.tones import tone
from tests.harness.product import Product, until
from tests.harness.soundfiles import write_sound
from tests.interop.carrier import carrier_call

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

ECHO = "+48221230007"
NEW_NUMBER = "+48221230008"
READ = "the configuration was read again: "
PATIENCE_S = 20.0
ENGLISH = Phrasebook.found() / "en"


async def test_row_i15_the_product_follows_its_file_while_a_call_is_up(tmp_path: Path) -> None:
    with Product.running(tmp_path) as product:
        await _says(product, "ready for calls")
        text = product.config.read_text()
        async with carrier_call(product, ECHO) as old:
            number = f'\n[number."{NEW_NUMBER}"]\nscheme = "echo"\n'
            _replace(product.config, text.replace("[sip]\n", '[sip]\ndomain = "other"\n') + number)
            await _says(product, f"{READ}1 number added ({NEW_NUMBER}); from the next call on")
            await _says(product, "only a restart changes sip.domain: until then it stays as it was")
            async with carrier_call(product, NEW_NUMBER) as new:
                assert new.is_up

            product.config.write_text(text + number.replace('"echo"', '"ehco"'))
            line = len(text.splitlines()) + 3
            await _says(product, f'{product.config}:{line}: error: number."{NEW_NUMBER}".scheme: ')
            await _says(product, "the office goes on with the one it has")
            async with carrier_call(product, NEW_NUMBER) as still:
                assert still.is_up

            product.config.write_text(text)
            await _says(product, f"{READ}1 number removed ({NEW_NUMBER}); from the next call on")
            product.process.send_signal(signal.SIGHUP)
            await _says(product, f"{READ}nothing has changed")
            assert old.is_up
        await asyncio.to_thread(product.stop)
        assert product.process.returncode == 0


async def test_row_q10_own_music_and_our_prompts_are_encoded_before_anybody_calls(tmp_path: Path) -> None:
    own, files = tmp_path / "own", EncodedFiles(tmp_path / "data" / "encoded")

    def own_sounds(text: str) -> str:
        text = text.replace("[office]\n", f'[office]\nprompts = "{own}"\n', 1)
        return text + '[media]\ncodecs = ["PCMA", "G722"]\n'

    (own / "music").mkdir(parents=True)
    music = write_sound(own / "music" / "calm.mp3", tone((800.0,), 30.0, 44_100), 44_100, "libmp3lame")
    (own / "welcome.mp3").write_text("no sound")
    for path in (music, own / "welcome.mp3"):
        os.utime(path, (time.time() - 60,) * 2)

    clips = Clip(music, lufs=MUSIC_LUFS, is_kept=True), Clip(ENGLISH / "goodbye.wav", is_kept=True)

    def has_all() -> bool:
        codecs = map(Encoding, ("PCMA", "G722"))
        return all(files.has(files.place((clip,), codec)) for codec in codecs for clip in clips)

    with Product.running(tmp_path, change=own_sounds) as product:
        await asyncio.to_thread(until, has_all, within=PATIENCE_S, what="in two codecs")
        await _says(product, f"{own}/welcome.mp3 cannot be played: callers hear nothing in its place")
    [payload] = files.find(files.place(clips[:1], Encoding("G722"))) or [b""]
    assert 30.0 <= len(payload) / 8000 < 30.2


async def test_row_d12_i15_it_starts_with_a_broken_file_by_what_it_ran_by_last(tmp_path: Path) -> None:
    with Product.running(tmp_path) as product:
        await _says(product, "ready for calls")
        text = product.config.read_text()
        await asyncio.to_thread(
            until, (tmp_path / "data" / "configuration").is_dir, within=5, what="it is kept"
        )
        await asyncio.to_thread(product.kill)
        product.config.write_text(text.replace('scheme = "echo"', 'scheme = "ehco"'))
        await asyncio.to_thread(product.start)
        await _says(product, "there is no scheme 'ehco'")
        await _says(product, "the office starts with what it ran by last")
        async with carrier_call(product, ECHO) as call:
            assert call.is_up
        number = f'\n[number."{NEW_NUMBER}"]\nscheme = "echo"\n'
        product.config.write_text(text + number)
        await _says(product, f"{READ}1 number added ({NEW_NUMBER}); from the next call on")


def _replace(path: Path, text: str) -> None:
    """Write as most editors do: a new file takes the place of the old one."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


async def _says(product: Product, words: str) -> None:
    await asyncio.to_thread(until, lambda: words in product.log, within=PATIENCE_S, what=f"it says {words!r}")
