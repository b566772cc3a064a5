"""A disk that is slow at the beginning of a recording does not cost its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from media.background import Background
from media.codecs import by_name
from media.meter import Loudness
from media.recorder import Recorder
from media.tones import tone
from tests.harness.hearing import Hearing


class PatientDisk(Background):
    """A background that does its jobs when it is told to."""

    def __init__(self) -> None:
        self._jobs: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []

    def submit(self, job: Callable[[], Any], done: Callable[[Any], None]) -> None:
        self._jobs.append((job, done))

    def work(self) -> None:
        while self._jobs:
            job, done = self._jobs.pop(0)
            try:
                result = job()
            except Exception as error:  # noqa: BLE001 - handed to whoever asked
                result = error
            done(result)


def test_file_that_is_not_open_yet_is_not_synced_so_that_the_recording_goes_on(tmp_path: Path) -> None:
    files, syncs = PatientDisk(), PatientDisk()
    ends: list[tuple[float, str]] = []

    def ended(seconds: float, _: Loudness, error: str) -> None:
        ends.append((seconds, error))

    path = tmp_path / "message.wav"
    recorder = Recorder(path, "PCMA", files=files, syncs=syncs, ended=ended, now=0.0)
    said = by_name("PCMA").encode(tone((1000.0,), 3.0, 8000))
    for tick in range(150):  # 3 s, of which the disk sleeps the first 2 s
        now = tick * 0.02
        recorder.listen("PCMA", said[160 * tick : 160 * tick + 160], 160 * tick, 1, now)
        recorder.flush(now)
        syncs.work()
        if now > 2.0:
            files.work()
    recorder.finish()
    files.work()
    heard = Hearing.of_file(path)
    assert (ends, heard.seconds, heard.seconds_of(1000.0)) == ([(3.0, "")], 3.0, 3.0)
