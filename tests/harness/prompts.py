"""An office whose prompts are markers, and a listener on its RTP network who hears what each party hears."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import numpy as np

from media.client import MediaLeg
from media.memory import MemoryRtpNetwork
from media.rtp import RtpPacket
from tests.harness.hearing import MARKER_DB, Decoder, Heard, Hearing, presses_of
from tests.harness.markers import RATE, with_marked_prompts
from tests.harness.office import MONDAY_NOON, Office, office

CODECS = {0: "PCMU", 8: "PCMA", 9: "G722", 111: "opus"}
LOOK_BACK_S = 0.2


class Ears:
    """Listens to every RTP packet of an office, and loses some of them when asked to."""

    def __init__(self, network: MemoryRtpNetwork, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._packets: dict[tuple[str, int], list[tuple[float, bytes]]] = {}
        """That came to an address, and nobody asked for yet."""
        self._frames: dict[tuple[str, int], list[tuple[float, np.ndarray]]] = {}
        self._decoders: dict[tuple[tuple[str, int], int], Decoder] = {}
        self._events: dict[tuple[str, int], list[tuple[float, RtpPacket]]] = {}
        self._loss = 0.0
        self._random = random.Random(0)
        network.drop = self._listen

    def lose(self, share: float, *, seed: int) -> None:
        """Lose this share of all packets from now on."""
        self._loss, self._random = share, random.Random(seed)

    def _listen(self, content: bytes, _source: tuple[str, int], destination: tuple[str, int]) -> bool:
        if self._loss and self._random.random() < self._loss:
            return True
        if destination[1] % 2 == 0:
            self._packets.setdefault(destination, []).append((self._clock(), bytes(content)))
        return False

    def _decode(self, address: tuple[str, int]) -> None:
        frames, events = self._frames.setdefault(address, []), self._events.setdefault(address, [])
        for at, content in self._packets.pop(address, ()):
            payload_type = content[1] & 0x7F
            if payload_type not in CODECS:
                events.append((at, RtpPacket.parse(content)))
                continue
            key = address, payload_type
            if key not in self._decoders:
                self._decoders[key] = Decoder(CODECS[payload_type], RATE)
            frames.append((at, self._decoders[key].hear(content[12:])))

    def hearing(self, media: MediaLeg, *, since: float = 0.0) -> Hearing:
        """Return what came to ``media``, on the clock of the office."""
        self._decode(media.address)
        frames = [(at, pcm) for at, pcm in self._frames[media.address] if at >= since]
        pcm = np.concatenate([np.empty(0, np.int16), *(pcm for _, pcm in frames)])
        return Hearing(pcm, RATE, [at for at, _ in frames])

    def presses(self, media: MediaLeg) -> list[tuple[float, str]]:
        """Return when which key came to ``media`` as an event."""
        self._decode(media.address)
        assert media.agreement is not None
        assert media.agreement.receives_event is not None
        return presses_of(self._events[media.address], media.agreement.receives_event)

    def keys(self, media: MediaLeg) -> str:
        """Return the keys that came to ``media`` as events."""
        return "".join(key for _, key in self.presses(media))

    def first_packet(self, media: MediaLeg) -> float:
        """Return when the first packet came to ``media``."""
        return float(self.hearing(media).times[0])

    def longest_gap(self, media: MediaLeg, *, since: float, until: float) -> float:
        """Return the longest time between two packets to ``media`` within a span."""
        return self.hearing(media).longest_wait(since, until)

    def heard(self, media: MediaLeg, *, since: float = 0.0) -> list[Heard]:
        """Return the prompts that came to ``media``, in order; music, silence and voices are left out."""
        return self.hearing(media, since=since).prompts()

    def music(self, media: MediaLeg, *, since: float = 0.0) -> list[Heard]:
        """Return the stretches of waiting music that came to ``media``."""
        return self.hearing(media, since=since).music()

    def tone(self, media: MediaLeg, frequency: float, *, since: float = 0.0) -> list[float]:
        """Return when packets with a tone of ``frequency`` came to ``media``."""
        return self.hearing(media, since=since).times_of(frequency, above_db=MARKER_DB).tolist()

    async def until_prompt(self, media: MediaLeg, prompt: str, *, within: float) -> float:
        """Return when ``prompt`` began to be heard at ``media``, from now on."""
        return await self._until(
            lambda since: [one.at for one in self.heard(media, since=since) if one.prompt == prompt], within
        )

    async def until_tone(self, media: MediaLeg, frequency: float, *, within: float) -> float:
        """Return when a tone of ``frequency`` was heard at ``media``, from now on."""
        return await self._until(lambda since: self.tone(media, frequency, since=since), within)

    async def _until(self, look: Callable[[float], list[float]], within: float) -> float:
        began = self._clock()
        async with asyncio.timeout(within):
            while not (found := look(max(began, self._clock() - LOOK_BACK_S))):
                await asyncio.sleep(LOOK_BACK_S / 2)
        return found[0]


def names(heard: Iterable[Heard]) -> list[str]:
    """Return the names, each with dots behind it of which an end is missing."""
    return [each.prompt + ("…" if each.missing_s > 0.05 else "") for each in heard]


@asynccontextmanager
async def marked_office(
    folder: Path,
    *,
    change: Callable[[str], str] = str,
    scheme: str = "",
    at: datetime = MONDAY_NOON,
) -> AsyncIterator[tuple[Office, Ears]]:
    """Run the demo office with markers in the place of prompts, and somebody who listens."""
    async with office(
        folder, change=lambda text: with_marked_prompts(change(text)), scheme=scheme, at=at
    ) as demo:
        yield demo, Ears(demo.rtp, lambda: demo.now)
