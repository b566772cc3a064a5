"""An office in virtual time: the whole product on a network in memory, with phones, a trunk and mobiles."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from structlog.testing import capture_logs

from b2bua.call.leg import Leg
from b2bua.config.load import load_config
from b2bua.config.models import Config
from b2bua.demo.softphone import Habit, PlacedCall, Softphone
from b2bua.reloading import Reloader
from b2bua.server import Server
from b2bua.sip.digest import Credentials
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.message import parse_message
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.memory import MemoryNetwork, Packet
from b2bua.store.calls import CallStory
from b2bua.store.database import FILE_NAME
from b2bua.store.store import Store
from b2bua.surroundings import Surroundings
from media.client import MediaEngine
from media.commands import Tone
from media.local import LocalEngine
from media.memory import MemoryRtpNetwork
from media.sdp.negotiate import LocalMedia, make_offer, read_answer
from tests.harness.hearing import Hearing, Party, deaf

DEMO = Path(__file__).resolve().parents[2] / "config" / "demo.toml"
SERVER = Hop("udp", "127.0.0.1", 5060)
SERVER_TLS = Hop("tls", "127.0.0.1", 5061)
SERVER_IPV6 = Hop("udp", "2001:db8::1", 5060)
IPV6_PEERS = "2001:db8::2"
MOBILES = ("127.0.0.1", 5090)
CALLER = "+48500600700"
Answers = Callable[[httpx.Request], Awaitable[httpx.Response]]
"""A server over HTTP."""
NUMBER = "+48221239999"
"""Leads to the scheme ``tested`` of a story that brings one."""
TO_ANNA = """
[[step]]
ring = ["101"]
for = "20s"

[[step]]
voicemail = "sales"
"""
"""Such a scheme, in which extension 101 has some time to answer."""
MONDAY_NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)


@dataclass
class WallClock:
    """The time of day in an office, which goes on with the loop's and may be set."""

    shown: datetime
    """What it showed when the loop's clock showed ``started``."""
    started: float

    def __call__(self) -> datetime:
        return self.shown + timedelta(seconds=asyncio.get_running_loop().time() - self.started)

    def set_by(self, difference: timedelta) -> None:
        """Set it forward, or back."""
        self.shown += difference


@dataclass
class Office:
    """A running office and everything around it."""

    server: Server
    network: MemoryNetwork
    rtp: MemoryRtpNetwork
    peers: MediaEngine
    folder: Path
    stack: AsyncExitStack
    started: float
    clock: WallClock
    phones: dict[str, Softphone] = field(default_factory=dict)
    trunk_ports: int = 6000

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    @property
    def reloader(self) -> Reloader:
        """What reads the configuration again."""
        return self.server.reloader

    async def softphone(
        self, name: str, port: int, *, host: str = "127.0.0.1", transport: str = "udp"
    ) -> Softphone:
        """Return a phone on the network that has not registered."""
        endpoint = SipEndpoint(user_agent=name, random=random.Random(port))
        local = endpoint.attach(self.network.transport(host, port, transport=transport))
        phone = Softphone(name, endpoint, self.peers, local)
        self.stack.push_async_callback(phone.close)
        return phone

    async def phone(
        self,
        extension: str,
        habit: Habit | None = None,
        *,
        port: int | None = None,
        host: str = "127.0.0.1",
        name: str = "",
        allow: str = "",
    ) -> Softphone:
        """Return a phone that is registered as ``extension``; its port is 5000 + extension."""
        phone = await self.softphone(name or f"phone {extension}", port or 5000 + int(extension), host=host)
        response = await phone.register(server_toward(host), extension, f"demo-{extension}", allow=allow)
        assert response.status == 200, response.status
        phone.habit = habit or Habit()
        self.phones[extension] = phone
        return phone

    async def mobiles(self, habit: Habit | None = None) -> Softphone:
        """Return the network behind the trunk ``demo-out``."""
        phone = await self.softphone("mobiles", MOBILES[1], host=MOBILES[0])
        phone.habit = habit or Habit()
        return phone

    async def call_in(self, number: str, *, from_number: str = CALLER, uri: str | None = None) -> PlacedCall:
        """Call the office through the trunk."""
        self.trunk_ports += 1
        trunk = await self.softphone("trunk", self.trunk_ports)
        return await trunk.call(SERVER, number, from_number=from_number, uri=uri)

    async def call_from(
        self,
        phone: Softphone,
        extension: str,
        number: str,
        *,
        password: str | None = None,
        uri: str | None = None,
    ) -> PlacedCall:
        """Call ``number`` from one of our phones; ``uri`` takes its place in the request-URI."""
        credentials = Credentials(extension, password or f"demo-{extension}")
        server = server_toward(phone.host)
        return await phone.call(server, number, from_number=extension, credentials=credentials, uri=uri)

    async def talk_with(self, phone: Softphone) -> tuple[Leg, Leg]:
        """Call ``NUMBER``, where ``phone`` answers; return the caller's end and its own, a second later."""
        caller = await (await self.call_in(NUMBER)).answered(within=20)
        leg = (await phone.invited(within=5)).leg
        await asyncio.sleep(1)
        return caller, leg

    async def edit(self, change: Callable[[str], str]) -> list[str]:
        """Write another configuration and let the office read it; return what it says of that."""
        await asyncio.to_thread(_rewrite, self.folder / "office.toml", change)
        with capture_logs() as lines:
            await self.reloader.reload()
        return [line["event"] for line in lines]

    async def people_leave(self) -> None:
        """Let everybody outside hang up and leave the network."""
        await self.stack.aclose()

    def crash_media(self, worker: int = 0) -> None:
        """Let a media worker die as by ``kill -9``."""
        driver = self.server.engine.slots[worker].driver
        assert isinstance(driver, LocalEngine)
        driver.crash()

    def leftovers(self) -> dict[str, int]:
        """Return what the office still holds that it should not after the last call."""
        held = {
            **self.server.endpoint.alive(),
            "media legs": self.server.engine.legs,
            "leases": sum(
                not self.server.occupancy.is_free(name, self.now) for name in self.server.plan.people
            ),
            "calls of phones": len(self.server.lines),
            "channels": sum(self.server.channels.in_use(trunk) for trunk in self.server.config.trunks),
        }
        return {name: count for name, count in held.items() if count}

    async def settled(self) -> None:
        """Wait until every SIP timer of the last call has run out; nothing may be left then."""
        await asyncio.sleep(80)
        assert self.leftovers() == {}, self.leftovers()

    def packets(
        self, start: str, *, to_port: int | None = None, from_port: int | None = None
    ) -> list[Packet]:
        """Return what was sent, by the beginning of its first line; retransmissions are left out."""
        seen: set[bytes] = set()
        found = []
        for packet in self.network.log:
            is_wanted = packet.start_line.startswith(start) and packet.wire not in seen
            if to_port is not None and packet.destination.port != to_port:
                continue
            if from_port is not None and packet.source.port != from_port:
                continue
            if is_wanted:
                seen.add(packet.wire)
                found.append(packet)
        return found

    def times(self, start: str, *, to_port: int | None = None, since: float = 0.0) -> list[float]:
        """Return when ``packets`` were sent, in seconds after ``since``."""
        return [round(packet.at - since, 2) for packet in self.packets(start, to_port=to_port)]

    def reasons(self, start: str, *, to_port: int | None = None) -> list[str | None]:
        """Return the Reason header (RFC 3326) of each of ``packets``."""
        return [
            parse_message(packet.wire).headers.get("Reason")
            for packet in self.packets(start, to_port=to_port)
        ]

    async def stories(self) -> list[CallStory]:
        """Return the journal, the oldest call first, once every call has its outcome."""
        async with asyncio.timeout(30):
            while True:
                stories = await self.server.store.journal.calls(limit=1000)
                if stories and all(story.outcome is not None for story in stories):
                    return stories[::-1]
                await asyncio.sleep(0.25)

    async def stories_of(self, count: int) -> list[CallStory]:
        """Return the first ``count`` calls of the journal once they have ended."""
        async with asyncio.timeout(30):
            while True:
                stories = (await self.server.store.journal.calls(limit=1000))[::-1][:count]
                if len(stories) == count and all(story.outcome is not None for story in stories):
                    return stories
                await asyncio.sleep(0.25)

    def lose_when_answered(self, host: str) -> None:
        """Let ``host`` vanish in the instant in which its INVITE is answered, which it never acknowledges."""

        def is_answer(wire: bytes) -> bool:
            if not (wire.startswith(b"SIP/2.0 200") and b"INVITE\r\n" in wire):
                return False
            self.network.blackhole(host)
            return True

        self.network.drop_next(is_answer)

    async def until(self, condition: Callable[[], bool], *, within: float) -> float:
        """Return when ``condition`` held, looked at every 10 ms of virtual time."""
        async with asyncio.timeout(within):
            while not condition():
                await asyncio.sleep(0.01)
        return self.now


@asynccontextmanager
async def office(
    folder: Path,
    *,
    config: str | None = None,
    at: datetime = MONDAY_NOON,
    change: Callable[[str], str] = str,
    scheme: str = "",
    ipv6: str = "",
    ports: tuple[int, int] = (20000, 29998),
    workers: int = 1,
    worker_starts_in: float = 0.0,
    http: Answers | None = None,
    tls: bool = False,
) -> AsyncIterator[Office]:
    """Run the demo office, or the one that the TOML text ``config`` describes, in ``folder``.

    ``scheme`` is TOML to add, in which ``[[step]]`` are the steps of what ``NUMBER`` leads to. With ``ipv6``
    the office has both IP versions, and so have its phones, whose sound is at that address. Its own sound is
    at ``ports``, in so many ``workers``, which take ``worker_starts_in`` seconds to start, after a crash too.
    ``http`` stands for all servers that the office asks over HTTP. With ``tls`` it has that beside UDP.
    """
    network, rtp = MemoryNetwork(random.Random(1)), MemoryRtpNetwork()
    started = asyncio.get_running_loop().time()
    clock = WallClock(at, started)
    async with AsyncExitStack() as stack:
        theirs, ours = _hosts(ipv6)
        peers = await MediaEngine.in_process(network=rtp, address=theirs, ports=(30000, 40000))
        stack.push_async_callback(peers.close)
        surroundings = Surroundings(
            transports=[
                *(network.transport(host, SERVER.port) for host in ours),
                *([network.transport(SERVER.host, SERVER_TLS.port, transport="tls")] if tls else []),
            ],
            start_engine=lambda: MediaEngine.in_process(
                network=rtp, address=ours, ports=ports, workers=workers, delay_s=worker_starts_in
            ),
            clock=clock,
            randomness=random.Random(2),
            http=(lambda: httpx.MockTransport(http)) if http is not None else None,
        )
        settings = await asyncio.to_thread(
            _settings, folder, change(config or DEMO.read_text()) + _tested(scheme)
        )
        server = await stack.enter_async_context(Server.running(settings, surroundings))
        async with AsyncExitStack() as people:
            yield Office(server, network, rtp, peers, folder, people, started, clock)


def _hosts(ipv6: str) -> tuple[list[str], list[str]]:
    """Return the addresses of the peers' sound and of the office."""
    if not ipv6:
        return ["127.0.0.2"], [SERVER.host]
    return ["127.0.0.2", ipv6], [SERVER.host, SERVER_IPV6.host]


def server_toward(host: str) -> Hop:
    """Return the office as a phone at ``host`` reaches it."""
    return SERVER_IPV6 if ":" in host else SERVER


def _tested(scheme: str) -> str:
    if not scheme:
        return ""
    steps = scheme.replace("[[step]]", "[[scheme.tested.step]]")
    return f'\n[number."{NUMBER}"]\nscheme = "tested"\n{steps}\n'


def _settings(folder: Path, text: str) -> Config:
    path = folder / "office.toml"
    path.write_text(text.replace('data = "data"', f'data = "{folder / "data"}"'))
    database = folder / "data" / FILE_NAME
    if not database.exists():
        database.parent.mkdir(exist_ok=True)
        database.write_bytes(new_database())
    return load_config(path)


@cache
def new_database() -> bytes:
    """Return the file of a database without calls; to bring one to the latest version takes 0.1 s."""

    async def make(folder: Path) -> None:
        async with await Store.open(folder):
            pass

    with TemporaryDirectory() as folder:
        asyncio.run(make(Path(folder)))
        return (Path(folder) / FILE_NAME).read_bytes()


def _rewrite(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text()))


async def reinvite(leg: Leg, direction: str) -> bytes:
    """Hold (``sendonly``, ``inactive``) or resume (``sendrecv``) as a softphone; return the answer."""
    assert leg.session is not None
    address, port = leg.media.address
    local = LocalMedia(address=address, port=port, codecs=("PCMA",), session_id=1, version=next(_versions))
    offer = make_offer(local, direction=direction)
    answer = await leg.session.reinvite(offer)
    leg.connect(read_answer(offer, answer))
    return answer


_versions = itertools.count(2)


PHONE_HZ, CALLER_HZ = 1100.0, 1700.0


async def assert_both_hear(
    caller: Leg, phone: Leg, folder: Path, *, name: str = "", is_real_time: bool = False
) -> None:
    """Let both talk for three seconds; in real time, in which machines halt, it may have gaps."""
    caller.loop([Tone((CALLER_HZ,), 1.0)])
    phone.loop([Tone((PHONE_HZ,), 1.0)])
    await asyncio.sleep(0.5)
    recordings = [
        caller.media.record(folder / f"caller{name}.wav"),
        phone.media.record(folder / f"phone{name}.wav"),
    ]
    await asyncio.sleep(3)
    heard = [Hearing.of_file((await recording.stop()).path) for recording in recordings]
    parties = Party("caller", CALLER_HZ, heard[0]), Party("phone", PHONE_HZ, heard[1])
    assert deaf(*parties, for_s=2.8) == []
    assert [each.clipping() for each in heard] == [[], []]
    assert is_real_time or [each.gaps() for each in heard] == [[], []]
