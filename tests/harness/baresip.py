"""baresip: a phone as offices have it, without a sound card: a file is its microphone, a file its ear."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from media.tones import tone
from media.wav import WavFormat, WavWriter
from tests.harness.hearing import Hearing
from tests.harness.ports import HOST, free_port
from tests.harness.product import until

TOLD_OF_MESSAGES = re.compile(r"----- MWI for .*?Voice-Message: [^\n]*\n", re.DOTALL)
"""Nothing after it: the next NOTIFY is traced there, before the lamp follows it."""
START_S = 20.0
STOP_S = 15.0
RATE_HZ = 8000
MICROPHONE_S = 60.0
MODULES = ("/usr/lib/baresip/modules", "/usr/lib/*/baresip/modules", "/usr/local/lib/baresip/modules")

CODECS = {"PCMA": "PCMA/8000/1", "PCMU": "PCMU/8000/1", "G722": "G722/16000/1", "opus": "opus/48000/2"}
"""As baresip writes them."""

CONFIG = """\
module_path {modules}
module g711.so
module g722.so
module opus.so
module aufile.so
module sndfile.so
module srtp.so
module dtls_srtp.so
module stdio.so
module_app account.so
module_app menu.so
{more}sip_listen {host}:{port}
net_interface {host}
rtp_ports {rtp}-{rtp_end}
audio_source aufile,{microphone}
audio_player aufile,{folder}/speaker.wav
audio_alert aufile,/dev/null
ausrc_srate {rate}
ausrc_channels 1
auplay_channels 1
ring_aufile none
ringback_aufile none
snd_path {folder}
"""


def modules() -> Path:
    """Return where baresip's modules are on this machine."""
    found = [path for pattern in MODULES for path in Path("/").glob(pattern.lstrip("/"))]
    assert found, "baresip's modules are not installed"
    return found[0]


class Baresip:
    """One baresip process. Make it by ``with Baresip.registered(...)``."""

    def __init__(
        self,
        folder: Path,
        *,
        extension: str,
        server_port: int,
        codec: str,
        hears_hz: float,
        transport: str,
        encryption: str,
        answers: str,
        authority: Path | None,
        watches_messages: bool,
        multiplexes: bool,
    ) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._server = f"{HOST}:{server_port}"
        microphone = folder / "microphone.wav"
        write_tone(microphone, hears_hz)
        rtp = free_port()
        config = CONFIG.format(
            modules=modules(),
            host=HOST,
            port=free_port(),
            rtp=rtp,
            rtp_end=rtp + 3,
            microphone=microphone,
            rate=RATE_HZ,
            folder=folder,
            more="module_app mwi.so\n" if watches_messages else "",
        )
        if multiplexes:
            config += "rtcp_mux yes\n"
        if authority is not None:
            config += f"sip_cafile {authority}\n"
        (folder / "config").write_text(config)
        (folder / "contacts").write_text("")
        (folder / "accounts").write_text(
            f"<sip:{extension}@{self._server};transport={transport}>;auth_pass=demo-{extension}"
            f";answermode={answers};regint=300;audio_codecs={CODECS[codec]};ptime=20"
            f"{';mediaenc=' + encryption if encryption else ''}"
            f";mwi={'yes' if watches_messages else 'no'}\n"
        )
        self._output = folder / "output"
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def registered(
        cls,
        folder: Path,
        *,
        extension: str,
        server_port: int,
        codec: str = "PCMA",
        says_hz: float = 700.0,
        transport: str = "udp",
        encryption: str = "",
        answers: str = "auto",
        authority: Path | None = None,
        watches_messages: bool = False,
        multiplexes: bool = False,
    ) -> Iterator[Baresip]:
        """Run a phone that is registered as ``extension``, answers at once and says a tone of ``says_hz``.

        ``encryption`` is baresip's ``mediaenc``: ``srtp``, ``srtp-mand``, ``srtp-mandf`` or ``dtls_srtp``;
        ``answers`` its ``answermode``: ``auto`` or ``manual``. ``authority`` is whom it trusts to sign our
        certificate. With ``watches_messages`` it subscribes to its lamp, see ``lamp``. One that
        ``multiplexes`` offers RTP and RTCP on one port.
        """
        phone = cls(
            folder,
            extension=extension,
            server_port=server_port,
            codec=codec,
            hears_hz=says_hz,
            transport=transport,
            encryption=encryption,
            answers=answers,
            authority=authority,
            watches_messages=watches_messages,
            multiplexes=multiplexes,
        )
        try:
            phone._start()
            until(phone._is_registered, within=START_S, what=f"baresip registers as {extension}")
            yield phone
        finally:
            phone.stop()

    def _start(self) -> None:
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                ["baresip", "-f", str(self._folder), "-v", "-s"],
                cwd=self._folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        """All it has printed so far."""
        return self._output.read_text(errors="replace")

    def _is_registered(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.output
        return "binding]" in self.output

    def press(self, keys: str) -> None:
        """Type into its console: ``d sip:…`` dials, ``b`` hangs up."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(keys.encode())
        self._process.stdin.flush()

    def dial(self, number: str) -> None:
        """Call ``number``."""
        self.press(f"/dial sip:{number}@{self._server}\n")

    def hang_up(self) -> None:
        """End the call, or refuse the one that rings."""
        self.press("/hangup\n")

    def hold(self) -> None:
        """Put the far end on hold."""
        self.press("/hold\n")

    def resume(self) -> None:
        """Talk with it again."""
        self.press("/resume\n")

    def transfer(self, number: str, *, call: int = 1, replaces: str = "") -> None:
        """Send the far end of ``call`` (1: its first) to ``number``, in place of the call ``replaces``."""
        query = f"?Replaces={quote(replaces, safe='')}" if replaces else ""
        self.press(f"/line {call}\n")
        self.press(f"/transfer sip:{number}@{self._server}{query}\n")

    def dialog_with(self, number: str) -> str:
        """Return Replaces of the call that it placed to ``number`` (RFC 3891 §6.1)."""
        answers = re.findall(r"SIP/2\.0 200 [^\n]*\n(?:[^\n]+\n)+", self.output)
        (answer,) = {one for one in answers if f"<sip:{number}@" in one and "INVITE" in one}
        local, remote, call_id = (
            re.search(pattern, answer)
            for pattern in (r"From:.*tag=([^\s;]+)", r"To:.*tag=([^\s;]+)", r"Call-ID: *(\S+)")
        )
        assert local is not None
        assert remote is not None
        assert call_id is not None
        return f"{call_id[1]};to-tag={remote[1]};from-tag={local[1]}"

    def is_rung(self) -> bool:
        """Whether a call came in so far."""
        return "Incoming call from" in self.output

    def is_talking(self) -> bool:
        """Whether a call was established so far."""
        return "Call established" in self.output

    def is_over(self) -> bool:
        """Whether a call has ended so far."""
        return "terminated (duration" in self.output or "session closed" in self.output

    @property
    def lamp(self) -> str:
        """What it was told last of its messages; empty: nothing yet."""
        return next(reversed(TOLD_OF_MESSAGES.findall(self.output)), "")

    def heard(self) -> Hearing:
        """Return what came out of its decoder in its last call; nothing before sound has come to it.

        Of the two channels of Opus the first.
        """
        dumps = self._folder.glob("dump-*-dec.wav")
        return Hearing.so_far(max(dumps, default=self._folder / "none yet"))

    def freeze(self) -> None:
        """Let it lose its power: it takes packets and answers none."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Give it its power back."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it; by force when it does not unregister and go."""
        if self._process is None:
            return
        self.thaw()
        self._process.terminate()
        try:
            self._process.communicate(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate(timeout=STOP_S)


def write_tone(path: Path, frequency: float) -> None:
    """Write a tone of ``frequency`` that lasts longer than any call, as a microphone."""
    with WavWriter(path, RATE_HZ, WavFormat.PCM16) as wav:
        wav.append(tone((frequency,), MICROPHONE_S, RATE_HZ).astype("<i2").tobytes())
