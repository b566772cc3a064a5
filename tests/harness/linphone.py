"""Linphone without its window: ``linphonec``, which plays from a file and records to one."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tests.harness.baresip import write_tone
from tests.harness.hearing import Hearing
from tests.harness.ports import HOST, free_port
from tests.harness.product import until

START_S = 20.0
STOP_S = 10.0
G711_G729 = ("PCMU", "PCMA", "G729")
WAV_HEADER = 44
"""Bytes before the sound; what is in there is right only once the file is closed."""
CODECS = (
    ("opus", 48000, 2),
    ("speex", 16000, 1),
    ("speex", 8000, 1),
    *((name, 8000, 1) for name in G711_G729),
)
"""What it would offer by itself: name, rate in Hz, channels."""
CONFIG = """\
[sip]
sip_port={port}
sip_tcp_port={port}
sip_tls_port=-2
guess_hostname=0
contact=sip:{extension}@{host}
use_ipv6=0
use_info=0
use_rfc2833=1
media_encryption={encryption}
[rtp]
audio_rtp_port={rtp}
[sound]
echocancellation=0
"""
CODEC = """\
[audio_codec_{index}]
mime={name}
rate={rate}
channels={channels}
enabled={enabled}
"""


class Linphone:
    """One linphonec process. Make it by ``with Linphone.registered(...)``."""

    def __init__(
        self,
        folder: Path,
        *,
        extension: str,
        server_port: int,
        says_hz: float,
        codec: str,
        answers: bool,
        encryption: str,
    ) -> None:
        self._folder = folder
        self._rate_hz = next(rate for name, rate, _ in CODECS if name == codec)
        self._server = f"{HOST}:{server_port}"
        for own in (".local/share/linphone", ".config/linphone"):
            (folder / own).mkdir(parents=True)
        write_tone(folder / "microphone.wav", says_hz)
        config = CONFIG.format(
            port=free_port(), rtp=free_port(), host=HOST, extension=extension, encryption=encryption
        )
        (folder / "linphonerc").write_text(config + _codecs(codec))
        self._output = folder / "output"
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                ["linphonec", "-c", str(folder / "linphonerc"), *(["-a"] if answers else []), "-d", "0"],
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "HOME": str(folder)},
            )
        self.type("soundcard use files")
        self.type(f"play {folder}/microphone.wav")
        self.type(f"record {folder}/ear.wav")
        self.type(f"register sip:{extension}@{self._server} sip:{self._server} demo-{extension}")

    @classmethod
    @contextmanager
    def registered(
        cls,
        folder: Path,
        *,
        extension: str,
        server_port: int,
        says_hz: float = 700.0,
        codec: str = "opus",
        answers: bool = True,
        encryption: str = "none",
    ) -> Iterator[Linphone]:
        """Run a phone that is registered as ``extension`` and says a tone of ``says_hz`` in ``codec``.

        It ``answers`` every call at once, or none. ``encryption`` is ``none``, ``srtp`` or ``dtls``.
        """
        phone = cls(
            folder,
            extension=extension,
            server_port=server_port,
            says_hz=says_hz,
            codec=codec,
            answers=answers,
            encryption=encryption,
        )
        try:
            until(phone._is_registered, within=START_S, what=f"linphonec registers as {extension}")
            yield phone
        finally:
            phone.stop()

    def _is_registered(self) -> bool:
        assert self._process.poll() is None, self.output
        self.type("status register")
        return "registered, identity" in self.output

    @property
    def output(self) -> str:
        """All it has printed so far."""
        return self._output.read_text(errors="replace")

    def type(self, command: str) -> None:
        """Enter ``command``; digits alone are DTMF of the call."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        self._process.stdin.flush()

    def dial(self, number: str) -> None:
        """Call ``number``."""
        self.type(f"call sip:{number}@{self._server}")

    def hang_up(self) -> None:
        """End the call."""
        self.type("terminate")

    def hold(self) -> None:
        """Put the far end on hold."""
        self.type("pause")

    def resume(self, call: int = 1) -> None:
        """Talk with it again."""
        self.type(f"resume {call}")

    def transfer(self, number: str) -> None:
        """Send the far end to ``number``."""
        self.type(f"transfer sip:{number}@{self._server}")

    def connect_calls(self) -> None:
        """Connect the far ends of its two calls and leave (attended transfer)."""
        self.type("transfer 1 --to-call 2")

    def talks(self, call: int = 1) -> bool:
        """Whether sound has begun in its first or other ``call``."""
        return any(line.endswith(f"for call {call} (audio).") for line in self.output.splitlines())

    def is_over(self, call: int = 1) -> bool:
        """Whether that call has ended."""
        return any(f"Call {call} with " in line and " ended " in line for line in self.output.splitlines())

    def call_log(self) -> list[str]:
        """Return what its list says of each call, the latest first: ``missed``, ``answered elsewhere``…"""
        before = len(self.output)
        self.type("call-logs")
        self.type("status register")
        until(
            lambda: "registered, identity" in self.output[before:],
            within=START_S,
            what="linphonec has listed its calls",
        )
        return re.findall(r"^Status: (.+)$", self.output[before:], re.MULTILINE)

    def heard(self) -> Hearing:
        """Return what has come out of its speaker so far."""
        path = self._folder / "ear.wav"
        wav = path.read_bytes() if path.exists() else b""
        sound = wav[WAV_HEADER:]
        return Hearing(np.frombuffer(sound[: len(sound) // 2 * 2], "<i2"), self._rate_hz)

    def stop(self) -> None:
        """End it; by force when it does not unregister and go."""
        if self._process.poll() is None:
            self.type("quit")
        try:
            self._process.communicate(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate(timeout=STOP_S)


def _codecs(only: str) -> str:
    return "".join(
        CODEC.format(index=index, name=name, rate=rate, channels=channels, enabled=int(name == only))
        for index, (name, rate, channels) in enumerate(CODECS)
    )
