"""Trunk callers and registered phones in one cheap process: raw SIP over UDP, no audio.

``python -m bench.generator --port SIP_PORT --people N`` registers phones and says ``ready``. Then each line of
standard input is an order in JSON, ``{"calls": 100, "rate": 50.0, "phase": "over"}``, answered by a line with the
figures of those calls. A call of phase ``over`` is answered and hung up at once, one of ``talking`` or
``ringing`` stays until the order ``"end"``.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench import sip_text

HOST = "127.0.0.1"
FIRST_EXTENSION = 200
FIRST_NUMBER = "+4822123{:04}"
PATIENCE_S = 15.0
"""A call that has not come to its phase by then has failed."""
Address = tuple[str, int]


class Peer(asyncio.DatagramProtocol):
    """One UDP socket that speaks with the product."""

    def __init__(self, server: Address) -> None:
        self._server = server
        self._socket: asyncio.DatagramTransport | None = None

    async def open(self) -> int:
        """Bind and return the port."""
        loop = asyncio.get_running_loop()
        self._socket, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, 0))
        self.port: int = self._socket.get_extra_info("sockname")[1]
        return self.port

    def send(self, message: bytes) -> None:
        """Send to the product."""
        assert self._socket is not None
        self._socket.sendto(message, self._server)

    def datagram_received(self, message: bytes, _source: Address) -> None:
        if message.startswith(b"SIP/2.0 "):
            self.take_response(message, int(message[8:11]))
        else:
            self.take_request(message, message[: message.index(b" ")])

    def take_response(self, message: bytes, status: int) -> None:
        """Take a response."""

    def take_request(self, message: bytes, method: bytes) -> None:
        """Take a request."""


class Phones(Peer):
    """The phones of the office behind one socket: they register, answer every call at once, or only ring."""

    def __init__(self, server: Address) -> None:
        super().__init__(server)
        self.answers = True
        self.answered = 0
        self.hung_up = 0
        self._challenges: dict[str, asyncio.Future[bytes]] = {}
        self._replies: dict[str, bytes] = {}

    async def register(self, user: str) -> None:
        """Register one phone.

        Raises:
            ConnectionError: it was refused.
        """
        challenge = await self._ask(user, cseq=1, authorization="")
        proof = sip_text.digest(
            sip_text.header(challenge, b"WWW-Authenticate"),
            user=user,
            password=f"secret-{user}",
            uri=f"sip:{HOST}",
        )
        final = await self._ask(user, cseq=2, authorization=proof)
        if not final.startswith(b"SIP/2.0 200"):
            raise ConnectionError(final.split(b"\r\n")[0].decode())

    async def _ask(self, user: str, *, cseq: int, authorization: str) -> bytes:
        answer = asyncio.get_running_loop().create_future()
        self._challenges[f"register-{user}"] = answer
        self.send(
            sip_text.REGISTER.format(
                user=user, port=self.port, cseq=cseq, authorization=authorization
            ).encode()
        )
        async with asyncio.timeout(PATIENCE_S):
            return await answer

    def take_response(self, message: bytes, status: int) -> None:
        answer = self._challenges.get(sip_text.header(message, b"Call-ID"))
        if status >= 200 and answer is not None and not answer.done():
            answer.set_result(message)

    def take_request(self, message: bytes, method: bytes) -> None:
        if method == b"INVITE":
            self._ring(message)
        elif method == b"BYE":
            self.hung_up += self._replies.pop(sip_text.header(message, b"Call-ID"), None) is not None
            self.send(sip_text.response(message, "200 OK", tag="bench"))
        elif method == b"CANCEL":
            self.send(sip_text.response(message, "200 OK", tag="bench"))
            invite = self._replies.pop(sip_text.header(message, b"Call-ID"), None)
            if invite is not None:
                self.send(sip_text.response(invite, "487 Request Terminated", tag="bench"))
        elif method != b"ACK":
            self.send(sip_text.response(message, "200 OK", tag="bench"))

    def _ring(self, invite: bytes) -> None:
        contact = f"<sip:phone@{HOST}:{self.port}>"
        is_new = sip_text.header(invite, b"Call-ID") not in self._replies
        self._replies[sip_text.header(invite, b"Call-ID")] = invite
        self.send(sip_text.response(invite, "180 Ringing", tag="bench", contact=contact))
        if self.answers:
            self.answered += is_new
            sdp = sip_text.SDP.format(port=42000)
            self.send(sip_text.response(invite, "200 OK", tag="bench", contact=contact, sdp=sdp))


@dataclass(slots=True)
class Call:
    """One call from the trunk."""

    serial: int
    """Part of the caller's number."""
    name: str
    """Call-ID without its host."""
    phase: str
    """How far it shall come."""
    started_at: float
    """Loop time of the INVITE."""
    reached: asyncio.Future[float]
    """Seconds from the INVITE to the answer (180 for ``ringing``), once the phase is reached."""
    to: str = ""
    """To of the answer."""
    target: str = ""
    """Contact of the answer."""
    invite: bytes = field(default=b"", repr=False)
    """As it was sent."""
    answer_s: float = 0.0
    """Seconds from the INVITE to its 200."""


class Trunk(Peer):
    """Callers behind one trunk."""

    def __init__(self, server: Address, people: int) -> None:
        super().__init__(server)
        self.calls: dict[str, Call] = {}
        self._to_port = server[1]
        self._people = people
        self._serials = itertools.count(1)

    def call(self, phase: str) -> Call:
        """Send the INVITE of a new call."""
        serial = next(self._serials)
        loop = asyncio.get_running_loop()
        call = Call(serial, f"bench-{serial}-{self.port}", phase, loop.time(), loop.create_future())
        self.calls[call.name] = call
        call.invite = sip_text.invite(
            number=FIRST_NUMBER.format(serial % self._people),
            call=call.name,
            serial=serial,
            port=self.port,
            to_port=self._to_port,
        )
        self.send(call.invite)
        return call

    def take_request(self, message: bytes, _method: bytes) -> None:
        self.send(sip_text.response(message, "200 OK", tag="bench"))

    def take_response(self, message: bytes, status: int) -> None:
        call = self.calls.get(sip_text.header(message, b"Call-ID").partition("@")[0])
        method = sip_text.header(message, b"CSeq").partition(" ")[2]
        if call is None or call.reached.cancelled():
            return
        if method == "INVITE":
            self._invite_answered(call, message, status)
        elif method == "BYE" and call.phase == "over" and not call.reached.done():
            self._reach(call, status == 200, call.answer_s)

    def _invite_answered(self, call: Call, message: bytes, status: int) -> None:
        elapsed = asyncio.get_running_loop().time() - call.started_at
        if status == 180 and call.phase == "ringing":
            self._reach(call, True, elapsed)
        if status < 200:
            return
        is_first = not call.target
        call.to = sip_text.header(message, b"To")
        call.target = sip_text.header(message, b"Contact").strip("<>") or "sip:nobody"
        self._send_in_dialog(call, "ACK", cseq=1, branch="2" if status < 300 else "1")
        if status >= 300:
            self._reach(call, call.phase == "ringing" and status == 487, elapsed)
        elif is_first:
            call.answer_s = elapsed
            if call.phase == "over":
                self.end(call)
            else:
                self._reach(call, call.phase == "talking", elapsed)

    @staticmethod
    def _reach(call: Call, is_good: bool, seconds: float) -> None:
        if not call.reached.done():
            call.reached.set_result(seconds if is_good else -1.0)

    def end(self, call: Call) -> None:
        """Hang up, or cancel what still rings."""
        if call.target:
            self._send_in_dialog(call, "BYE", cseq=2, branch="3")
        else:
            head = call.invite.decode().split("\r\n")
            kept = [line for line in head if line.startswith(("Via:", "From:", "To:", "Call-ID:", "Max-"))]
            first = head[0].replace("INVITE", "CANCEL", 1)
            lines = [first, *kept, "CSeq: 1 CANCEL", "Content-Length: 0", "", ""]
            self.send("\r\n".join(lines).encode())

    def _send_in_dialog(self, call: Call, method: str, *, cseq: int, branch: str) -> None:
        request = sip_text.IN_DIALOG.format(
            method=method,
            target=call.target,
            port=self.port,
            call=call.name,
            branch=branch,
            serial=call.serial,
            to=call.to,
            cseq=cseq,
        )
        self.send(request.encode())


class Generator:
    """Carries out orders."""

    def __init__(self, trunk: Trunk, phones: Phones) -> None:
        self._trunk = trunk
        self._phones = phones

    async def place(self, *, calls: int, rate: float, phase: str) -> dict[str, Any]:
        """Place ``calls`` at ``rate`` per second on absolute deadlines; return how they went."""
        loop = asyncio.get_running_loop()
        self._phones.answers = phase != "ringing"
        begun = (self._phones.answered, self._phones.hung_up)
        start = loop.time()
        placed = []
        for index in range(calls):
            await asyncio.sleep(max(0.0, start + index / rate - loop.time()))
            placed.append(self._trunk.call(phase))
        await asyncio.wait([call.reached for call in placed], timeout=PATIENCE_S)
        if phase == "over":
            await self._until(lambda: self._phones.hung_up - begun[1] >= calls)
        seconds = sorted(s for call in placed if call.reached.done() and (s := call.reached.result()) >= 0)
        good = len(seconds)
        if phase == "over":
            good = min(good, self._phones.answered - begun[0], self._phones.hung_up - begun[1])
        return {
            "failed": calls - good,
            "median_ms": 1000 * seconds[len(seconds) // 2] if seconds else None,
            "p99_ms": 1000 * seconds[int(len(seconds) * 0.99)] if seconds else None,
        }

    async def end_all(self) -> dict[str, Any]:
        """Hang up or cancel all calls."""
        calls, self._trunk.calls = self._trunk.calls, {}
        for call in calls.values():
            if call.phase != "over":
                self._trunk.calls[call.name] = call
                self._trunk.end(call)
                await asyncio.sleep(0.005)
        return {"ended": len(calls)}

    @staticmethod
    async def _until(condition: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not condition():
                    await asyncio.sleep(0.01)
        except TimeoutError:
            return


async def serve(port: int, people: int) -> None:
    """Register, then carry out the orders of standard input until it ends."""
    phones, trunk = Phones((HOST, port)), Trunk((HOST, port), people)
    await phones.open()
    await trunk.open()
    for index in range(people):
        await phones.register(str(FIRST_EXTENSION + index))
    print("ready", flush=True)
    generator = Generator(trunk, phones)
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        result = await generator.end_all() if order == "end" else await generator.place(**order)
        print(json.dumps(result), flush=True)


def main() -> None:
    """Serve the product at the port of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--people", type=int, required=True)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, arguments.people))


if __name__ == "__main__":
    main()
