"""Phones by TLS against the started product: protected calls, whom to trust, a renewed certificate."""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from b2bua.call.leg import SoundProfile
from b2bua.demo.softphone import Habit, Softphone
from b2bua.sip.digest import Credentials
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.tls import CHECK_EVERY_S, Tls, TlsFiles
from media.sdp.crypto import SrtpPolicy
from tests.harness.certificates import Authority, needs_openssl
from tests.harness.ipv6 import IPV6_HOST, why_no_ipv6
from tests.harness.office import assert_both_hear
from tests.harness.ports import HOST, free_port
from tests.harness.product import Product, until
from tests.interop.softphones import softphone

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90), needs_openssl]

ADDRESSES = f"IP:{HOST},IP:{IPV6_HOST}"
RENEWAL_S = CHECK_EVERY_S + 5.0


@dataclass
class Scene:
    """A running office with TLS."""

    product: Product
    """The office."""
    authority: Authority
    """Who issued its certificate, and is trusted by it and by the phones."""
    port: int
    """Of TLS."""
    hosts: tuple[str, ...]
    """Its addresses: of both IP versions where this machine has both."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("office")
    authority, port = Authority(folder), free_port()
    certificate, key = authority.issue("office", ADDRESSES)
    tls = f'tls-port = {port}\ntls-certificate = "{certificate}"\ntls-key = "{key}"'
    hosts = (HOST,) if why_no_ipv6() else (HOST, IPV6_HOST)

    def change(text: str) -> str:
        text = text.replace('transports = ["udp", "tcp"]', 'transports = ["udp", "tcp", "tls"]')
        text = text.replace("[person.anna]\n", '[person.anna]\nsrtp = "required"\n')
        if IPV6_HOST not in hosts:
            print(f"{why_no_ipv6()}: TLS is tested by IPv4 alone")
            return text
        text = re.sub(r'listen = "127.0.0.1:(\d+)"', rf'listen = ["127.0.0.1:\1", "[{IPV6_HOST}]:\1"]', text)
        return text.replace('address = "127.0.0.1"', f'address = ["127.0.0.1", "{IPV6_HOST}"]')

    with Product.running(folder, sip=tls, change=change) as product:
        # It answers by UDP before the other addresses are bound.
        until(lambda: "ready for calls" in product.log, within=10, what="all addresses are bound")
        yield Scene(product, authority, port, hosts)
        product.assert_log_is_clean()


@asynccontextmanager
async def phone(scene: Scene, extension: str, host: str) -> AsyncIterator[Softphone]:
    """Return a phone that is registered by TLS and checks the office's certificate."""
    tls = await Tls.load(TlsFiles(authorities=scene.authority.certificate))
    async with softphone(f"phone {extension}", host=host, tls=tls) as registering:
        server = Hop("tls", host, scene.port)
        contact = f"<sips:{extension}@{registering._local.authority}>"
        response = await registering.register(server, extension, f"demo-{extension}", contact=contact)
        assert response.status == 200
        registering.habit = Habit(answers_after=0.1)
        yield registering


def secured(phone: Softphone) -> Softphone:
    phone.profile = SoundProfile(srtp=SrtpPolicy.REQUIRED)
    return phone


async def test_phones_by_tls_of_either_ip_version_talk_with_sound_protected(
    scene: Scene, tmp_path: Path
) -> None:
    one, other = scene.hosts[0], scene.hosts[-1]
    async with phone(scene, "101", other) as anna, phone(scene, "102", one) as piotr:
        secured(anna)
        for caller, extension, called, number, host in (
            (anna, "101", piotr, "102", other),
            (piotr, "102", anna, "101", one),
        ):
            server = Hop("tls", host, scene.port)
            placed = await caller.call(
                server,
                number,
                from_number=extension,
                credentials=Credentials(extension, f"demo-{extension}"),
                uri=f"sips:{number}@{server.authority}",
            )
            leg = await placed.answered(within=10)
            theirs = called.invitations[-1].leg
            for each, is_secure in ((leg, caller is anna), (theirs, called is anna)):
                assert each.media.agreement is not None
                assert (each.media.agreement.keys is not None) == is_secure
            await assert_both_hear(leg, theirs, tmp_path, name=number, is_real_time=True)
            assert called.invitations[-1].invite.request.via.transport == "TLS"
            leg.hang_up()


async def test_rfc3261_26_2_2_a_call_by_sips_passes_a_phone_by_that_has_no_tls(scene: Scene) -> None:
    async with softphone("plain phone") as plain:
        assert (await plain.register(Hop("udp", HOST, scene.product.port), "103", "demo-103")).status == 200
        async with phone(scene, "102", HOST) as piotr:
            server = Hop("tls", HOST, scene.port)
            for scheme, is_rung in (("sips", False), ("sip", True)):
                placed = await piotr.call(
                    server,
                    "103",
                    from_number="102",
                    credentials=Credentials("102", "demo-102"),
                    uri=f"{scheme}:103@{server.authority}",
                )
                if is_rung:
                    await plain.invited(within=5)
                else:
                    await placed.answered(within=3)  # by the mailbox, without a second of ringing
                await placed.close()
                assert bool(plain.invitations) == is_rung


async def test_a_phone_that_does_not_know_the_authority_does_not_even_say_its_name(
    scene: Scene, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger")
    tls = await Tls.load(TlsFiles(authorities=stranger.certificate))
    async with softphone("careful", tls=tls) as careful:
        response = await careful.register(Hop("tls", HOST, scene.port), "103", "demo-103")
        assert (response.status, response.is_local) == (503, True)
        assert response.reason.startswith("its certificate is not trusted")


async def serial(scene: Scene, host: str) -> str:
    """Return the serial number of the certificate that a new connection is shown."""
    context = ssl.create_default_context(cafile=str(scene.authority.certificate))
    _, writer = await asyncio.open_connection(host, scene.port, ssl=context, server_hostname=host)
    certificate = writer.get_extra_info("peercert")
    writer.close()
    return str(certificate["serialNumber"])


async def test_a_renewed_certificate_is_shown_without_a_restart_and_no_call_is_cut(
    scene: Scene, tmp_path: Path
) -> None:
    before = [await serial(scene, host) for host in scene.hosts]
    renewed, key = scene.authority.issue("renewed", ADDRESSES)
    async with phone(scene, "102", HOST) as piotr, phone(scene, "103", scene.hosts[-1]) as olena:
        credentials = Credentials("102", "demo-102")
        server = Hop("tls", HOST, scene.port)
        leg = await (await piotr.call(server, "103", from_number="102", credentials=credentials)).answered(
            within=10
        )
        for source, name in ((key, "office.key"), (renewed, "office.pem")):
            shutil.copy(source, scene.authority.folder / name)
        async with asyncio.timeout(RENEWAL_S):
            while set(before) & {await serial(scene, host) for host in scene.hosts}:
                await asyncio.sleep(0.5)
        await assert_both_hear(leg, olena.invitations[-1].leg, tmp_path, is_real_time=True)
        leg.hang_up()
