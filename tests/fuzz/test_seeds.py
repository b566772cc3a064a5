"""The corpus that fuzzing starts from is clean, whole and cut off anywhere, also without the fuzzer."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.fuzz.fuzz_sip import SEEDS
from tests.fuzz.strangers import read_any

FILES = sorted(path for folder in SEEDS for path in folder.iterdir() if path.suffix != ".toml")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_but_the_errors_of_a_peer_comes_of_a_seed_or_its_broken_copies(path: Path) -> None:
    random, whole = Random(path.stem), path.read_bytes()
    read_any(whole)
    for _ in range(20):
        at = random.randrange(len(whole))
        read_any(whole[:at])
        read_any(whole[:at] + random.randbytes(3) + whole[at + 3 :])


def test_a_nul_before_other_blanks_at_the_end_of_sdp_is_refused_like_any_other() -> None:
    read_any(b"v=0\r\nm=audio 6000 RTP\x00\x00\x0c")  # found by fuzzing: it read otherwise once written
