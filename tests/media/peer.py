"""A far end for media tests: keeps what it hears with the time, and says what it is told to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from media import codecs
from media.dtmf import encode_digit
from media.encoding import Encoding, clock_rate_hz
from media.memory import MemoryRtpNetwork
from media.outgoing import Packet
from media.rtp import RtpPacket
from media.sdp.agreement import StreamAgreement
from media.sdp.crypto import StreamKeys
from media.srtp import SrtpSession
from tests.harness.hearing import FRAME_S, Hearing, keys_of

STATIC = {"PCMU": 0, "PCMA": 8, "G722": 9, "opus": 111}


def mirrored(keys: StreamKeys) -> StreamKeys:
    """Return the keys of a stream as its other end sees them."""
    return replace(keys, sending=keys.receiving, receiving=keys.sending)


@dataclass(frozen=True, slots=True)
class HeardPacket:
    """One RTP packet as it came."""

    at: float
    """Loop time."""
    source: tuple[str, int]
    """Where it came from."""
    packet: RtpPacket
    """The packet."""


class Peer:
    """One far end on a memory network."""

    def __init__(
        self,
        network: MemoryRtpNetwork,
        port: int,
        *,
        host: str = "10.0.0.1",
        codec: str = "PCMA",
        event: int = 101,
        ptime_ms: int = 20,
        keys: StreamKeys | None = None,
    ) -> None:
        """``keys`` are those of the leg: what it receives by, this peer sends by."""
        self.stream_keys = keys
        self.srtp = None if keys is None else SrtpSession(mirrored(keys))
        self.garbage = 0
        """Packets that came and were not protected by the leg's key."""
        self.address = (host, port)
        self.codec = codec
        self.event = event
        self.ptime_ms = ptime_ms
        self.heard: list[HeardPacket] = []
        self.sequence, self.timestamp, self.ssrc = 65530, 2**32 - 480, port
        self._network = network
        network.bind(self.address, self._receive)

    def agreement(self, *, sends: bool = True, receives: bool = True, **changes: object) -> StreamAgreement:
        """Return what a leg and this peer settle, seen from the leg."""
        number = STATIC[self.codec]
        settled = {
            "remote": self.address,
            "codec": self.codec,
            "payload_type": number,
            "accepts": ((number, self.codec),),
            "telephone_event": self.event,
            "receives_event": self.event,
            "ptime_ms": self.ptime_ms,
            "sends": sends,
            "receives": receives,
            "keys": self.stream_keys,
            "event_rate_hz": clock_rate_hz(self.codec),
        }
        return StreamAgreement(**{**settled, **changes})  # type: ignore[arg-type]

    def _receive(self, content: bytes, source: tuple[str, int]) -> None:
        at = asyncio.get_running_loop().time()
        plain = content if self.srtp is None else self.srtp.unprotect(content)
        if plain is None:
            self.garbage += 1
            return
        self.heard.append(HeardPacket(at, source, RtpPacket.parse(plain)))

    def send(
        self, payload: bytes, to: tuple[str, int], *, number: int | None = None, marker: bool = False
    ) -> None:
        """Send one packet of `ptime_ms`."""
        number = STATIC[self.codec] if number is None else number
        packet = RtpPacket(number, self.sequence, self.timestamp, self.ssrc, marker, payload)
        self.transmit(packet, to)
        self.skip()

    def transmit(self, packet: RtpPacket, to: tuple[str, int]) -> None:
        """Send ``packet``, protected if this peer has keys."""

        def carry(content: Packet) -> None:
            self._network.send(content, source=self.address, destination=to)

        send = carry if self.srtp is None else self.srtp.protecting(carry)
        send(packet.to_bytes())

    def skip(self, packets: int = 1) -> None:
        """Let numbers go on as if packets had been sent that the network lost."""
        self.sequence = (self.sequence + packets) & 0xFFFF
        self.timestamp = (self.timestamp + self.ticks * packets) & 0xFFFFFFFF

    @property
    def ticks(self) -> int:
        """Clock ticks of one packet."""
        return self.ptime_ms * clock_rate_hz(self.codec) // 1000

    async def say(self, pcm: NDArray[np.int16], to: tuple[str, int]) -> None:
        """Say ``pcm`` in real pace."""
        for payload in self.encoded(pcm):
            self.send(payload, to)
            await asyncio.sleep(self.ptime_ms / 1000)

    def encoded(self, pcm: NDArray[np.int16]) -> list[bytes]:
        """Return the payloads in which this peer says ``pcm``."""
        codec = codecs.encoder(Encoding(self.codec, self.ptime_ms))
        step = codec.sample_rate_hz * self.ptime_ms // 1000
        return [codec.encode(pcm[start : start + step]) for start in range(0, len(pcm) - step + 1, step)]

    async def press(self, digit: str, to: tuple[str, int], *, number: int | None = None) -> None:
        """Press a key."""
        begin = self.timestamp
        for marker, offset, payload in encode_digit(digit, clock_rate=clock_rate_hz(self.codec)):
            self.timestamp = (begin + offset) & 0xFFFFFFFF
            packet = RtpPacket(
                number or self.event, self.sequence, self.timestamp, self.ssrc, marker, payload
            )
            self.transmit(packet, to)
            self.sequence = (self.sequence + 1) & 0xFFFF
            await asyncio.sleep(0.02)
        self.timestamp = (begin + 8 * clock_rate_hz(self.codec) // 50) & 0xFFFFFFFF

    def hearing(self, *, since: float = 0.0, is_timed: bool = False) -> Hearing:
        """Return what was heard: in one piece from 0.0 s on, or each frame when it came, in loop time."""
        number = STATIC[self.codec]
        came = [each for each in self.heard if each.packet.payload_type == number and each.at >= since]
        heard = Hearing.of_payloads(self.codec, (each.packet.payload for each in came))
        if not is_timed:
            return heard
        times = [each.at + at for each in came for at in np.arange(0.0, self.ptime_ms / 1000, FRAME_S)]
        return Hearing(heard.pcm, heard.rate, times)

    def pressed(self) -> str:
        """Return the keys that were heard as events."""
        return keys_of((each.packet for each in self.heard), self.event)
