"""Speak the texts of ``texts.toml`` into A-law WAV files ``<language>-<name>.wav``; needs espeak-ng."""

from __future__ import annotations

import subprocess
import tempfile
import tomllib
from pathlib import Path

import numpy as np

from media import codecs
from media.resample import resample
from media.wav import WavFormat, WavWriter
from tests.harness.hearing import Hearing

HERE = Path(__file__).resolve().parent
RATE_HZ = 8000
SPEECH_DBFS = -20.0
VOICES = {"hello": "", "speaking": "+f2", "name": "+m3", "mailbox": "+f4"}


def speak(language: str, name: str, text: str) -> None:
    """Make one file: the speech alone, at a common loudness."""
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.wav"
        command = ["espeak-ng", "-v", f"{language}{VOICES[name]}", "-w", str(raw), "--stdin"]
        subprocess.run(command, input=text, text=True, check=True)
        heard = Hearing.of_file(raw)
    whole = Hearing(resample(heard.pcm, heard.rate, RATE_HZ), RATE_HZ)
    loud = np.flatnonzero(np.abs(whole.pcm.astype(int)) > whole.peak() / 100)
    voice = Hearing(whole.pcm[loud[0] : loud[-1]], RATE_HZ)
    speech = voice.pcm * 10 ** ((SPEECH_DBFS - voice.loudness()) / 20)
    path = HERE / f"{language}-{name}.wav"
    path.unlink(missing_ok=True)
    writer = WavWriter(path, RATE_HZ, WavFormat.PCMA)
    writer.append(codecs.by_name("PCMA").encode(np.clip(speech, -32768, 32767).astype(np.int16)))
    writer.close()


if __name__ == "__main__":
    for language, texts in tomllib.loads((HERE / "texts.toml").read_text(encoding="utf-8")).items():
        for name, text in texts.items():
            speak(language, name, text)
