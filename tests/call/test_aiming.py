"""Which address of a named host sound goes to, and when it is looked up anew (RFC 8866 §5.7)."""

from __future__ import annotations

import asyncio

import pytest

from b2bua.call.aiming import Aim, TellHosts
from media.client import MediaEngine, MediaLeg
from media.memory import MemoryRtpNetwork
from media.sdp.agreement import StreamAgreement
from tests.harness.clock import virtual_time
from tests.media.dtls_peer import DtlsPeer
from tests.media.peer import Peer

NAME = "media.carrier.example"
OWN = "192.0.2.1", "2001:db8::1"


class Aimed:
    """A leg of an office with both IP versions, which is told where a name is when a test says so."""

    def __init__(self, leg: MediaLeg) -> None:
        self.leg = leg
        self.failed: list[str] = []
        self._asking: list[TellHosts] = []
        self._aim = Aim(leg, lambda _name, told: self._asking.append(told))

    def agree(self, agreement: StreamAgreement, *, own: str = OWN[0]) -> None:
        self._aim.take(agreement, self.leg.connect, own=own, fail=self.failed.append)

    def find(self, *hosts: str) -> str | None:
        """Tell what was asked first, and return where sound goes then."""
        self._asking.pop(0)(list(hosts))
        assert self.leg.agreement is not None
        return self.leg.agreement.remote and self.leg.agreement.remote[0]


async def leg_on(network: MemoryRtpNetwork, *, has_certificate: bool = False) -> MediaLeg:
    engine = await MediaEngine.in_process(network=network, address=OWN, ports=(20000, 20100))
    return await engine.open_leg(has_certificate=has_certificate)


@pytest.mark.parametrize(("own", "host"), [(OWN[0], "192.0.2.9"), (OWN[1], "2001:db8::9")])
def test_a_named_host_is_sent_to_by_the_ip_version_by_which_it_sends(own: str, host: str) -> None:
    @virtual_time
    async def connected() -> None:
        network = MemoryRtpNetwork()
        aimed = Aimed(await leg_on(network))
        aimed.agree(Peer(network, 4000).agreement(remote=(NAME, 4000)), own=own)
        assert aimed.find("2001:db8::9", "192.0.2.9") == host

    connected()


@virtual_time
async def test_a_call_stays_at_the_address_it_goes_to_while_dns_names_that_in_any_place() -> None:
    network = MemoryRtpNetwork()
    aimed, peer = Aimed(await leg_on(network)), Peer(network, 4000)
    aimed.agree(peer.agreement(remote=(NAME, 4000)))
    assert aimed.find("192.0.2.8", "192.0.2.9") == "192.0.2.8"
    aimed.agree(peer.agreement(remote=None))  # on hold the old way
    aimed.agree(peer.agreement(remote=(NAME, 4000)))
    assert aimed.find("192.0.2.9", "192.0.2.8") == "192.0.2.8"
    aimed.agree(peer.agreement(remote=(NAME, 4000)))
    assert aimed.find("192.0.2.9", "192.0.2.7") == "192.0.2.9"


@virtual_time
async def test_of_two_agreements_only_the_last_one_is_where_sound_goes() -> None:
    network = MemoryRtpNetwork()
    aimed, peer = Aimed(await leg_on(network)), Peer(network, 4000)
    aimed.agree(peer.agreement(remote=(NAME, 4000)))
    aimed.agree(peer.agreement(remote=("192.0.2.7", 4000)))
    assert aimed.find() == "192.0.2.7"
    assert not aimed.failed


@virtual_time
async def test_rfc5763_a_named_host_is_sent_to_after_a_handshake_and_a_re_invite_too() -> None:
    network = MemoryRtpNetwork()
    aimed, anna = Aimed(await leg_on(network, has_certificate=True)), DtlsPeer(network, 4000)
    agreed = anna.secured(aimed.leg, leg_begins=True)
    aimed.agree(agreed)
    async with asyncio.timeout(5):
        while aimed.leg.agreement is None or aimed.leg.agreement.keys is None:
            await asyncio.sleep(0.02)
    keys = aimed.leg.agreement.keys
    aimed.agree(anna.agreement(remote=(NAME, 4444), handshake=agreed.handshake))
    assert aimed.find("192.0.2.77") == "192.0.2.77"
    assert aimed.leg.agreement.keys == keys
