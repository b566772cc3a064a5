"""Speak the texts of ``prompts/<language>/texts.toml`` into A-law WAV files of one loudness.

    python prompts/generate.py            all languages
    python prompts/generate.py pl uk      these

Needs espeak-ng and sox; English is spoken by festival with the voice cmu_us_slt_arctic_hts where both are
installed (Debian: espeak-ng, sox, festival, festvox-us-slt-hts). numpy comes with the project.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import ukrainian

Samples = npt.NDArray[np.float64]

HERE = Path(__file__).resolve().parent
RATE_HZ = 8000
FRAME = RATE_HZ // 50

SPEECH_DBFS = -20.0
"""RMS of the frames in which somebody speaks, the same for every prompt."""
PEAK_DBFS = -3.5
"""No sample is louder; half a decibel under the promised -3 dBFS for the rounding of A-law."""
ACTIVE_BELOW_LOUDEST_DB = 25.0
"""A frame counts as speech when it is at most this far under the loudest one."""
SILENCE_BELOW_LOUDEST_DB = 40.0
"""Frames quieter than this are silence."""
LONGEST_PAUSE_S = 0.3
"""What is left of a pause between two sentences."""

FESTIVAL_VOICE = "cmu_us_slt_arctic_hts"
ESPEAK_VOICES = {"en": "en-us", "uk": "uk", "ru": "ru", "pl": "pl"}
ESPEAK_WORDS_PER_MINUTE = {"pl": 190, "ru": 178}
"""espeak-ng's own measure of words makes Polish and Russian slower than the rest at one number."""
ESPEAK_DEFAULT_WORDS_PER_MINUTE = 165


def languages() -> list[str]:
    """Return the languages that have texts."""
    return sorted(path.parent.name for path in HERE.glob("*/texts.toml"))


def has_festival_voice() -> bool:
    """Return whether festival can speak English with the voice we like best."""
    if shutil.which("text2wave") is None or shutil.which("festival") is None:
        return False
    listing = subprocess.run(
        ["festival", "--batch", "(print (voice.list))"], capture_output=True, text=True, check=False
    )
    return FESTIVAL_VOICE in listing.stdout


def respelled(language: str, text: str) -> str:
    """Return the text with phonemes in place of what espeak-ng would read wrongly."""
    if language == "uk":
        return ukrainian.phonemes(text, ukrainian.read_stresses())
    exceptions = HERE / language / "pronunciation.toml"
    if exceptions.is_file():
        for words, sound in tomllib.loads(exceptions.read_text(encoding="utf-8")).items():
            text = re.sub(rf"\b{words}\b", f"[[{sound}]]", text, flags=re.IGNORECASE)
    return text


def speak(text: str, language: str, into: Path, *, by_festival: bool) -> None:
    """Write the raw synthetic voice to the WAV file ``into``."""
    if by_festival:
        command = ["text2wave", "-eval", f"(voice_{FESTIVAL_VOICE})", "-o", str(into)]
    else:
        voice = ESPEAK_VOICES.get(language, language)
        speed = ESPEAK_WORDS_PER_MINUTE.get(language, ESPEAK_DEFAULT_WORDS_PER_MINUTE)
        command = ["espeak-ng", "-v", voice, "-s", str(speed), "-w", str(into), "--stdin"]
        text = respelled(language, text)
    subprocess.run(command, input=text, text=True, check=True)


def read_telephone_band(path: Path) -> Samples:
    """Return the file as 8 kHz mono between -1 and 1, without the rumble that telephones do not carry."""
    command = ["sox", "-R", "-D", "-G", str(path), "-t", "raw", "-e", "signed", "-b", "16", "-c", "1", "-"]
    raw = subprocess.run(
        [*command, "highpass", "120", "rate", "-v", str(RATE_HZ)], capture_output=True, check=True
    ).stdout
    return np.frombuffer(raw, dtype="<i2").astype(np.float64) / 32768


def write_alaw(path: Path, samples: Samples) -> None:
    """Write samples between -1 and 1 as an A-law WAV file (format tag 6)."""
    pcm = np.rint(samples * 32767).astype("<i2").tobytes()
    source = ["-t", "raw", "-r", str(RATE_HZ), "-e", "signed", "-b", "16", "-c", "1", "-"]
    subprocess.run(["sox", "-R", "-D", *source, "-e", "a-law", str(path)], input=pcm, check=True)


def frame_levels(samples: Samples) -> Samples:
    """Return the RMS of each 20 ms, not below a very small number."""
    whole = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    levels: Samples = np.maximum(np.sqrt(np.mean(whole**2, axis=1)), 1e-6)
    return levels


def speech_dbfs(samples: Samples) -> float:
    """Return the RMS level of the frames in which somebody speaks."""
    levels = frame_levels(samples)
    spoken = levels[levels >= levels.max() * 10 ** (-ACTIVE_BELOW_LOUDEST_DB / 20)]
    return float(10 * np.log10(np.mean(spoken**2)))


def without_silence(samples: Samples) -> Samples:
    """Return the speech alone: the silent edges are gone, long pauses are shortened."""
    levels = frame_levels(samples)
    is_spoken = levels >= levels.max() * 10 ** (-SILENCE_BELOW_LOUDEST_DB / 20)
    spoken = np.flatnonzero(is_spoken)
    kept, pause = [], 0
    for frame in range(spoken[0], spoken[-1] + 1):
        pause = 0 if is_spoken[frame] else pause + 1
        if pause * FRAME <= LONGEST_PAUSE_S * RATE_HZ:
            kept.append(samples[frame * FRAME : (frame + 1) * FRAME])
    speech: Samples = np.concatenate(kept)
    return speech


def framed(speech: Samples, *, before_s: float, after_s: float) -> Samples:
    """Return the speech faded in and out, between silences of the given length."""
    fade = np.sin(np.linspace(0, np.pi / 2, RATE_HZ // 200)) ** 2
    speech = speech.copy()
    speech[: len(fade)] *= fade
    speech[-len(fade) :] *= fade[::-1]
    return np.concatenate([np.zeros(round(before_s * RATE_HZ)), speech, np.zeros(round(after_s * RATE_HZ))])


def levelled(samples: Samples) -> Samples:
    """Return the samples at the common loudness, the loudest peaks bent under the limit."""
    ceiling = 10 ** (PEAK_DBFS / 20)
    for _ in range(12):
        samples = limited(samples * 10 ** ((SPEECH_DBFS - speech_dbfs(samples)) / 20), ceiling)
    return samples


def limited(samples: Samples, ceiling: float) -> Samples:
    """Return the samples bent smoothly so that none exceeds ``ceiling``; under 70 % of it nothing changes."""
    knee = 0.7 * ceiling
    over = np.maximum(np.abs(samples) - knee, 0.0)
    bent = knee + (ceiling - knee) * np.tanh(over / (ceiling - knee))
    return np.where(over > 0, np.sign(samples) * bent, samples)


def is_fragment(text: str) -> bool:
    """Return whether the text goes on in another prompt, so that its edges must be tight."""
    return text[-1] not in ".!?"


def generate(language: str, name: str, text: str, *, by_festival: bool) -> float:
    """Make one prompt's file and return its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.wav"
        speak(text, language, raw, by_festival=by_festival)
        samples = read_telephone_band(raw)
    edges = {"before_s": 0.02, "after_s": 0.05} if is_fragment(text) else {"before_s": 0.06, "after_s": 0.2}
    samples = framed(levelled(without_silence(samples)), **edges)
    write_alaw(HERE / language / f"{name}.wav", samples)
    return len(samples) / RATE_HZ


def generate_language(language: str) -> None:
    """Make every prompt of one language and remove the files whose text is gone."""
    texts: dict[str, str] = tomllib.loads((HERE / language / "texts.toml").read_text(encoding="utf-8"))
    by_festival = language == "en" and has_festival_voice()

    def make(item: tuple[str, str]) -> float:
        return generate(language, *item, by_festival=by_festival)

    with ThreadPoolExecutor(2) as pool:
        seconds = sum(pool.map(make, texts.items()))
    for path in (HERE / language).glob("*.wav"):
        if path.stem not in texts:
            path.unlink()
    voice = f"festival {FESTIVAL_VOICE}" if by_festival else "espeak-ng"
    print(f"{language}: {len(texts)} prompts, {seconds:.1f} s, by {voice}")


def problems(asked: Sequence[str]) -> Iterator[str]:
    """Yield what keeps us from starting."""
    for tool in ("espeak-ng", "sox"):
        if shutil.which(tool) is None:
            yield f"{tool} is not installed (Debian: apt install {tool})"
    for language in asked:
        if language not in languages():
            yield f"{HERE / language / 'texts.toml'} does not exist; there are {', '.join(languages())}"


def main(asked: Sequence[str]) -> int:
    """Make the audio of the languages asked for, or of all; return the exit status."""
    found = list(problems(asked))
    for problem in found:
        print(f"generate.py: {problem}", file=sys.stderr)
    if found:
        return 2
    try:
        for language in asked or languages():
            generate_language(language)
    except ukrainian.MissingStressError as error:
        print(f"generate.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
