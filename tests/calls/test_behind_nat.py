"""An office behind a router: the provider is told the public address, phones beside us the real one."""

from __future__ import annotations

from pathlib import Path

from b2bua.demo.softphone import Habit
from tests.harness.clock import virtual_time
from tests.harness.office import CALLER, SERVER, Office, office

PUBLIC = "9.8.7.6"
PROVIDER = "5.6.7.8"


def behind_nat(text: str) -> str:
    """Return the demo office with a public address for audio, and a provider beyond the router."""
    return text.replace(
        'address = "127.0.0.1"', f'address = "127.0.0.1"\npublic-address = "{PUBLIC}"'
    ).replace('"127.0.0.0/8"', f'"{PROVIDER}"')


def sound_address(run: Office, start: str, *, to_port: int) -> str:
    """Return the address in the SDP of the first message that begins with ``start``."""
    packet = next(packet for packet in run.packets(start, to_port=to_port) if b"c=IN" in packet.wire)
    return packet.wire.split(b"c=IN IP4 ")[1].split(b"\r\n")[0].decode()


@virtual_time
async def test_sound_is_expected_at_the_public_address_by_the_trunk_alone(tmp_path: Path) -> None:
    async with office(tmp_path, change=behind_nat) as run:
        await run.phone("101", Habit(answers_after=1.0))
        trunk = await run.softphone("trunk", 6000, host=PROVIDER)
        placed = await trunk.call(SERVER, "+48221230001", from_number=CALLER)
        leg = await placed.answered(within=30)
        assert sound_address(run, "INVITE", to_port=5101) == "127.0.0.1"
        assert sound_address(run, "SIP/2.0 200", to_port=6000) == PUBLIC
        leg.hang_up("heard enough")
        await run.stories()
