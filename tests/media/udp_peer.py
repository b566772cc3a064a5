"""A far end on a real socket; arrival times are the kernel's, so that a stalled test measures right."""

from __future__ import annotations

import socket
import struct

from media.rtp import RtpPacket
from media.sdp.agreement import StreamAgreement
from tests.harness.hearing import Hearing

SO_TIMESTAMPNS = 35


class UdpPeer:
    """One socket that says frames when told and keeps what it heard."""

    def __init__(
        self, *, codec: str = "PCMA", number: int = 8, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.udp = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.udp.bind((host, port))
        self.udp.setblocking(False)
        self.address: tuple[str, int] = self.udp.getsockname()[:2]
        self.codec, self.number = codec, number
        self.heard: list[tuple[float, RtpPacket]] = []
        self.sequence, self.timestamp = 100, 1000

    def __enter__(self) -> UdpPeer:
        return self

    def __exit__(self, *_: object) -> None:
        self.udp.close()

    def agreement(self) -> StreamAgreement:
        return StreamAgreement(
            remote=self.address,
            codec=self.codec,
            payload_type=self.number,
            accepts=((self.number, self.codec),),
            telephone_event=101,
            receives_event=101,
            ptime_ms=20,
            sends=True,
            receives=True,
        )

    def send(self, payload: bytes, to: tuple[str, int], *, ticks: int = 160) -> None:
        packet = RtpPacket(self.number, self.sequence, self.timestamp, self.address[1], False, payload)
        self.udp.sendto(packet.to_bytes(), to)
        self.sequence, self.timestamp = self.sequence + 1, self.timestamp + ticks

    def datagrams(self) -> list[bytes]:
        """Take all that has arrived, as it came."""
        came = []
        while True:
            try:
                came.append(self.udp.recv(2048))
            except BlockingIOError:
                return came

    def listen(self) -> list[tuple[float, RtpPacket]]:
        """Take all that has arrived so far."""
        while True:
            try:
                content, ancillary, _, _ = self.udp.recvmsg(2048, 64)
            except BlockingIOError:
                return self.heard
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2][:16])
            self.heard.append((seconds + nanoseconds / 1e9, RtpPacket.parse(content)))

    def hearing(self) -> Hearing:
        """Return what was heard so far, in one piece from 0.0 s on."""
        packets = (packet for _, packet in self.listen())
        return Hearing.of_payloads(
            self.codec, (packet.payload for packet in packets if packet.payload_type == self.number)
        )
