"""Trunk callers and registered phones in one cheap process: raw SIP over UDP, no audio.

``python -m bench.generator --port SIP_PORT --people N`` registers phones and says ``ready``. Then each line
of standard input is an order in JSON, ``{"calls": 100, "rate": 50.0, "phase": "over"}``, answered by a line
with the figures of those calls. A call of phase ``over`` is answered and hung up at once, one of ``talking``,
``sounding`` or ``ringing`` stays until the order ``"end"``. Calls that are ``sounding`` have ports of their
own: the answer has the address and port of each far end, which nobody has bound, and where it is to send.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import sys
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bench import sip_text

HOST = "127.0.0.1"
FIRST_EXTENSION = 200
FIRST_NUMBER = "+4822123{:04}"
SILENT_PORT = 42000
FIRST_SOUND_PORT = 30000
"""Above the product's, below those that the system gives to others; each call has two, every second one."""
SOUNDING = 500
"""Calls that may have ports of their own at a time."""
PATIENCE_S = 15.0
"""A call that has not come to its phase by then has failed."""
END_EVERY_S = 0.005
"""Between the hang-ups of calls that were up together."""
Address = tuple[str, int]
End = tuple[str, int, int]
"""Address and port of a far end of sound, and the port of ours that it is to send to."""
_T = TypeVar("_T")


def sound_port(serial: int) -> int:
    """Return where a caller hears; who is called hears two ports above."""
    return FIRST_SOUND_PORT + serial % SOUNDING * 4


class Peer(asyncio.DatagramProtocol):
    """One UDP socket that speaks with the product."""

    def __init__(self, server: Address) -> None:
        self.port = 0
        self._server = server
        self._socket: asyncio.DatagramTransport | None = None

    async def open(self) -> None:
        """Bind to any port."""
        loop = asyncio.get_running_loop()
        self._socket, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, 0))
        self.port = self._socket.get_extra_info("sockname")[1]

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
        """Or else they ring for ever."""
        self.has_sound = False
        """Whether the call that comes next has a port of its own."""
        self.ends: list[End] = []
        self.hung_up = 0
        """How many of their calls ended by a BYE."""
        self._hang_up = asyncio.Event()
        self._challenges: dict[str, asyncio.Future[bytes]] = {}
        self._invites: dict[str, bytes] = {}

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
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
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
            self.hung_up += self._invites.pop(sip_text.header(message, b"Call-ID"), None) is not None
            self._hang_up.set()
            self.send(sip_text.response(message, "200 OK", tag="bench"))
        elif method == b"CANCEL":
            self.send(sip_text.response(message, "200 OK", tag="bench"))
            invite = self._invites.pop(sip_text.header(message, b"Call-ID"), None)
            if invite is not None:
                self.send(sip_text.response(invite, "487 Request Terminated", tag="bench"))
        elif method != b"ACK":
            self.send(sip_text.response(message, "200 OK", tag="bench"))

    def _ring(self, invite: bytes) -> None:
        contact = f"<sip:phone@{HOST}:{self.port}>"
        self._invites[sip_text.header(invite, b"Call-ID")] = invite
        self.send(sip_text.response(invite, "180 Ringing", tag="bench", contact=contact))
        if self.answers:
            sdp = sip_text.SDP.format(port=self._port_for(invite))
            self.send(sip_text.response(invite, "200 OK", tag="bench", contact=contact, sdp=sdp))

    def _port_for(self, invite: bytes) -> int:
        if not self.has_sound:
            return SILENT_PORT
        port = sound_port(sip_text.caller_serial(invite)) + 2
        self.ends.append((HOST, port, sip_text.media_port(invite)))
        return port

    async def hang_ups(self, count: int) -> None:
        """Wait until so many calls have ended, for a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while self.hung_up < count:
                    self._hang_up.clear()
                    await self._hang_up.wait()


@dataclass(slots=True, eq=False)
class Call:
    """One call from the trunk."""

    serial: int
    """Part of the caller's number."""
    name: str
    """Call-ID without its host."""
    phase: str
    """How far it shall come."""
    invite: bytes = field(repr=False)
    """As it was sent."""
    started_at: float
    """Loop time of the INVITE."""
    reached: asyncio.Future[float]
    """Seconds from the INVITE to its 200, or to its 180 where it shall only ring; -1: refused."""
    over: asyncio.Future[bool]
    """Whether it was hung up, or cancelled, as it should be."""
    to: str = ""
    """To of the final answer."""
    target: str = ""
    """Contact of the final answer."""


class Trunk(Peer):
    """Callers behind one trunk."""

    def __init__(self, server: Address, people: int) -> None:
        super().__init__(server)
        self.calls: dict[str, Call] = {}
        self.ends: list[End] = []
        self._to_port = server[1]
        self._people = people
        self._serials = itertools.count(1)

    def call(self, phase: str) -> Call:
        """Send the INVITE of a new call."""
        serial = next(self._serials)
        name = f"bench-{serial}-{self.port}"
        number = FIRST_NUMBER.format(serial % self._people)
        invite = sip_text.invite(
            number=number,
            call=name,
            serial=serial,
            port=self.port,
            to_port=self._to_port,
            media_port=sound_port(serial) if phase == "sounding" else SILENT_PORT,
        )
        loop = asyncio.get_running_loop()
        call = Call(serial, name, phase, invite, loop.time(), loop.create_future(), loop.create_future())
        self.calls[name] = call
        self.send(invite)
        return call

    def take_request(self, message: bytes, _method: bytes) -> None:
        self.send(sip_text.response(message, "200 OK", tag="bench"))

    def take_response(self, message: bytes, status: int) -> None:
        call = self.calls.get(sip_text.header(message, b"Call-ID").partition("@")[0])
        if call is None:
            return
        method = sip_text.header(message, b"CSeq").partition(" ")[2]
        if method == "INVITE" and status < 200:
            if status == 180 and call.phase == "ringing":
                _settle(call.reached, asyncio.get_running_loop().time() - call.started_at)
        elif method == "INVITE":
            self._answered(call, message, status)
        elif method == "BYE":
            _settle(call.over, status == 200)

    def _answered(self, call: Call, message: bytes, status: int) -> None:
        is_repeated = bool(call.to)
        call.to = sip_text.header(message, b"To")
        call.target = sip_text.header(message, b"Contact").strip("<>") or "sip:127.0.0.1"
        self._send_in_dialog(call, "ACK", cseq=1, branch="2" if status < 300 else "1")
        if status < 300:
            if call.phase == "sounding" and not is_repeated:
                self.ends.append((HOST, sound_port(call.serial), sip_text.media_port(message)))
            _settle(call.reached, asyncio.get_running_loop().time() - call.started_at)
            if call.phase == "over" and not is_repeated:
                self.end(call)
        else:
            _settle(call.reached, -1.0)
            _settle(call.over, call.phase == "ringing" and status == 487)

    def end(self, call: Call) -> None:
        """Hang up, or cancel what still rings."""
        if call.target:
            self._send_in_dialog(call, "BYE", cseq=2, branch="3")
        else:
            self.send(sip_text.cancel(call.invite))

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


def _settle(future: asyncio.Future[_T], value: _T) -> None:
    if not future.done():
        future.set_result(value)


class Generator:
    """Carries out orders."""

    def __init__(self, trunk: Trunk, phones: Phones) -> None:
        self._trunk = trunk
        self._phones = phones

    async def place(self, *, calls: int, rate: float, phase: str) -> dict[str, Any]:
        """Place ``calls`` at ``rate`` per second on absolute deadlines; return how they went."""
        loop = asyncio.get_running_loop()
        self._phones.answers = phase != "ringing"
        self._phones.has_sound = phase == "sounding"
        hung_up, start = self._phones.hung_up, loop.time()
        placed = []
        for index in range(calls):
            await asyncio.sleep(max(0.0, start + index / rate - loop.time()))
            placed.append(self._trunk.call(phase))
        good = await _results([call.reached for call in placed])
        failed = calls - sum(seconds >= 0 for seconds in good)
        if phase == "over":
            failed = max(failed, calls - sum(await _results([call.over for call in placed])))
            await self._phones.hang_ups(hung_up + calls)
            failed = max(failed, hung_up + calls - self._phones.hung_up)
        ordered = sorted(good) or [0.0]
        return {
            "failed": failed,
            "median_ms": 1000 * ordered[len(ordered) // 2],
            "p99_ms": 1000 * ordered[int(len(ordered) * 0.99)],
            "ends": [*self._trunk.ends, *self._phones.ends],
        }

    async def end_all(self) -> dict[str, Any]:
        """Hang up or cancel all calls that are up."""
        calls = [call for call in self._trunk.calls.values() if not call.over.done()]
        for call in calls:
            self._trunk.end(call)
            await asyncio.sleep(END_EVERY_S)
        return {"failed": len(calls) - sum(await _results([call.over for call in calls]))}


async def _results(futures: list[asyncio.Future[_T]]) -> list[_T]:
    """Return the results that come in time."""
    if futures:
        await asyncio.wait(futures, timeout=PATIENCE_S)
    return [future.result() for future in futures if future.done()]


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
