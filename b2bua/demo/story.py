"""``b2bua demo``: a missed call that leaves a message, then an answered one, over real sockets, told live."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from b2bua import log
from b2bua.config.files import demo_config
from b2bua.config.load import load_config
from b2bua.config.models import Config
from b2bua.demo.softphone import Habit, PlacedCall, Softphone
from b2bua.errors import B2buaError
from b2bua.phrases import Phrasebook
from b2bua.server import Server
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.transport.hop import Hop
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from media.client import MediaEngine
from media.commands import Clip, Silence

HOST = "127.0.0.1"
NUMBER = "+48221230001"
CALLER = "+48500600700"
RING_S = 4
PATIENCE_S = 20.0
"""No single thing of the story takes longer; if it does, something is broken."""


@dataclass(slots=True)
class Stage:
    """Everything the story plays with."""

    server: Server
    """The office."""
    anna: Softphone
    """Her phone."""
    caller: Softphone
    """Whoever calls through the trunk."""
    office: Hop
    """Where the office listens."""
    tell: Callable[[str], None]
    """Prints one line of the narration."""
    mail: asyncio.Queue[str]
    """Where mails went."""


async def play() -> None:
    """Play the story; it takes well under a minute.

    Raises:
        B2buaError: something did not go as it must.
    """
    log.set_up(is_live=True)
    began = time.monotonic()

    def tell(line: str) -> None:
        typer.secho(f"{time.monotonic() - began:5.1f} s  {line}", bold=True, err=True)

    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="b2bua-demo-"))
    try:
        async with _stage(folder, tell) as stage:
            await _missed_call(stage)
            await _answered_call(stage)
            await _ending(stage, folder)
    except TimeoutError as error:
        raise B2buaError("the demo did not go as it must: something took too long") from error


async def _missed_call(stage: Stage) -> None:
    stage.tell(f"A customer dials {NUMBER}. Anna's phone rings {RING_S} s, then Piotr's, then a mobile.")
    placed = await _dial(stage)
    leg = await placed.answered(within=4 * RING_S + PATIENCE_S)
    stage.tell("Nobody took it, so the voicemail answers. The customer skips the greeting with # ...")
    await asyncio.sleep(2)
    leg.media.send_digits("#")
    await asyncio.sleep(1.5)
    stage.tell("... and speaks after the tone.")
    speech = Clip(Phrasebook(Phrasebook.found(), "en").path("callback-offer"))
    async with asyncio.timeout(PATIENCE_S):
        await leg.play([speech, Silence(0.3)])
    leg.hang_up("said what there was to say")
    await _mail_arrives(stage)


async def _mail_arrives(stage: Stage) -> None:
    async with asyncio.timeout(PATIENCE_S):
        where = await stage.mail.get()
    stage.tell(f"The message is in the outbox as an e-mail with the recording attached: {where}")


async def _answered_call(stage: Stage) -> None:
    stage.tell("The customer calls again, and this time Anna picks up after 2 s.")
    stage.anna.habit = Habit(answers_after=2.0)
    placed = await _dial(stage)
    leg = await placed.answered(within=PATIENCE_S)
    stage.tell("They talk ...")
    speech = Clip(Phrasebook(Phrasebook.found(), "en").path("welcome"))
    stage.anna.invitations[-1].leg.media.play([speech])
    async with asyncio.timeout(PATIENCE_S):
        await leg.play([speech, Silence(1.0)])
    leg.hang_up("said goodbye")
    stage.tell("... and the customer hangs up, served.")


async def _ending(stage: Stage, folder: Path) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await stage.server.calls_over()
    stage.tell("This is what the journal says:")
    calls = (await stage.server.store.journal.calls())[::-1]
    for call in calls:
        typer.echo(f"         {call.call.caller} -> {call.call.dialled}: {story(call)}", err=True)
    if [call.outcome for call in calls] != [CallOutcome.MESSAGE, CallOutcome.TALKED]:
        raise B2buaError("the demo did not go as it must: see the journal above")
    stage.tell(f"Recording, mail and journal stay in {folder}. Now try it with a phone: b2bua run")


async def _dial(stage: Stage) -> PlacedCall:
    return await stage.caller.call(stage.office, NUMBER, from_number=CALLER, display="A customer")


@asynccontextmanager
async def _stage(folder: Path, tell: Callable[[str], None]) -> AsyncIterator[Stage]:
    """Start an office on free ports, two phones and a caller."""
    office = Hop("udp", HOST, _free_port())
    config = await asyncio.to_thread(_quick_demo, folder, office.port)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(Server.running(config))
        engine = await MediaEngine.in_worker(address=HOST, ports=(31000, 31998))
        stack.push_async_callback(engine.close)

        async def softphone(name: str) -> Softphone:
            endpoint = SipEndpoint(user_agent=name)
            phone = Softphone(name, endpoint, engine, await endpoint.listen_udp(HOST, 0))
            stack.push_async_callback(phone.close)
            return phone

        anna, piotr = await softphone("Anna's phone"), await softphone("Piotr's phone")
        for phone, extension in ((anna, "101"), (piotr, "102")):
            response = await phone.register(office, extension, f"demo-{extension}")
            if response.status != 200:
                raise B2buaError(f"{phone.name} could not register: {response.status} {response.reason}")
        mail: asyncio.Queue[str] = asyncio.Queue()
        server.serving.mail_worker.on_sent = mail.put_nowait
        yield Stage(server, anna, await softphone("the customer"), office, tell, mail)


def _quick_demo(folder: Path, port: int) -> Config:
    """Return the demo office with its own ports and folder, ringing shorter."""
    text = demo_config().read_text(encoding="utf-8")
    for old, new in (
        ('listen = "127.0.0.1:5060"', f'listen = "{HOST}:{port}"'),
        ('data = "data"', f'data = "{folder}"'),
        ('ports = "20000-29998"', 'ports = "30000-30998"'),
        ('for = "20s"', f'for = "{RING_S}s"'),
        ("port = 5090", f"port = {_free_port()}"),
    ):
        text = text.replace(old, new)
    path = folder / "office.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
