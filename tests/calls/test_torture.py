"""RFC 4475 and RFC 5118 at the whole office: each message has its answer, the next OPTIONS too."""

from __future__ import annotations

import asyncio
import re
import tomllib
from pathlib import Path

import pytest

from b2bua.sip.message import Headers, Request
from tests.harness.clock import virtual_time
from tests.harness.office import SERVER, office

DATA = Path(__file__).parents[1] / "data"
MESSAGES = {
    path.stem: f"{folder}_{entry[path.stem]['section']}_{path.stem}"
    for folder in ("rfc4475", "rfc5118")
    for entry in [tomllib.loads((DATA / folder / "expected.toml").read_text("utf-8"))]
    for path in sorted((DATA / folder).glob("*.dat"))
}
REFUSED = {
    "unkscm": 416,
    "novelsc": 416,
    "unksm2": 400,
    "sdp01": 406,
    "bext01": 420,
    "invut": 415,
    "regaut01": 401,
}
"""What the office says to those whose answer RFC 4475 tells in so many words."""


def wire_of(name: str) -> bytes:
    [path] = DATA.glob(f"rfc*/{name}.dat")
    return path.read_bytes()


@pytest.mark.parametrize("name", MESSAGES, ids=MESSAGES.get)
@virtual_time
async def test_rfc4475_rfc5118_the_office_answers_options_after_each_message_and_keeps_nothing_of_it(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    faults: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    async with office(tmp_path) as demo:
        sender = demo.network.transport("127.0.0.9", 5060)
        demo.network.carry(wire_of(name), sender.local, SERVER)
        phone = await demo.softphone("phone", 5070)
        for _ in range(2):
            await asyncio.sleep(0.5)
            request = Request("OPTIONS", f"sip:{SERVER.authority}", Headers())
            assert (await phone.endpoint.request(request, SERVER)).status == 200
            await asyncio.sleep(90)  # a call that nobody acknowledges has ended by then
        if name in REFUSED:
            finals = [
                packet.start_line
                for packet in demo.network.log
                if packet.destination.host != "127.0.0.1" and re.match("SIP/2.0 [2-6]", packet.start_line)
            ]
            assert finals
            assert all(line.startswith(f"SIP/2.0 {REFUSED[name]} ") for line in finals)
        await demo.settled()
        stories = await demo.server.store.journal.calls()
        assert all(story.outcome is not None for story in stories)
    assert faults == []
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]
