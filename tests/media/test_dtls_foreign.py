"""Handshakes with OpenSSL's own client and server, and sound by the keys that these print."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from ssl import PEM_cert_to_DER_cert

import pytest

from media.client import Tone
from media.sdp.crypto import SUITES, StreamKeys
from media.sdp.handshake import Fingerprint, Handshake
from media.srtp import SrtpSession
from tests.harness.certificates import Authority, needs_openssl
from tests.harness.ports import free_port, media_ports
from tests.media.dtls_peer import certificate, fingerprint_of
from tests.media.engines import until, worker
from tests.media.udp_peer import UdpPeer

pytestmark = needs_openssl

PROFILES = {
    "SRTP_AES128_CM_SHA1_80": ("AES_CM_128_HMAC_SHA1_80", 16),
    "SRTP_AEAD_AES_128_GCM": ("AEAD_AES_128_GCM", 16),
    "SRTP_AEAD_AES_256_GCM": ("AEAD_AES_256_GCM", 32),
}
HOST = "127.0.0.1"


@contextmanager
def openssl(folder: Path, *arguments: str) -> Iterator[Path]:
    """Run ``openssl`` with a certificate; return where it writes what it says."""
    log = folder / "openssl.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["openssl", *arguments, "-cert", folder / "foreign.pem", "-key", folder / "foreign.key"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield log
        finally:
            process.kill()
            process.wait(9)
            assert process.stdin is not None
            process.stdin.close()


def material(log: Path) -> bytes:
    """Return the keying material that it has printed; empty: not yet."""
    found = re.search(r"Keying material: ([0-9A-F]+)", log.read_text(errors="replace"))
    return bytes.fromhex(found[1]) if found else b""


def keys_of(block: bytes, suite: str, key_bytes: int, *, is_client: bool) -> StreamKeys:
    """Return the far end's keys (RFC 5764 §4.2)."""
    salts, half = block[2 * key_bytes :], (len(block) - 2 * key_bytes) // 2
    client = block[:key_bytes] + salts[:half]
    server = block[key_bytes : 2 * key_bytes] + salts[half:]
    return StreamKeys(suite, client, server) if is_client else StreamKeys(suite, server, client)


@pytest.mark.parametrize(
    ("it_begins", "profile"),
    [*((True, profile) for profile in PROFILES), (False, "SRTP_AES128_CM_SHA1_80")],
)
async def test_rfc5764_4_2_the_keys_are_those_that_openssl_has_and_sound_goes_by_them(
    it_begins: bool, profile: str, tmp_path: Path
) -> None:
    suite, key_bytes = PROFILES[profile]
    certificate, _ = Authority(tmp_path).issue("foreign", "DNS:foreign.example")
    digest = sha256(PEM_cert_to_DER_cert(certificate.read_text())).digest().hex(":").upper()
    port = free_port()
    common = (
        "-dtls1_2", "-use_srtp", profile, "-keymatexport", "EXTRACTOR-dtls_srtp",
        "-keymatexportlen", str(2 * SUITES[suite].key_bytes),
    )  # fmt: skip
    async with worker() as engine:
        leg = await engine.open_leg("foreign", has_certificate=True)
        theirs = (Fingerprint("sha-256", digest),)
        with UdpPeer() as template:
            agreed = replace(
                template.agreement(),
                remote=(HOST, port),
                handshake=Handshake(leg.fingerprint, theirs, is_client=not it_begins),
            )
        if it_begins:
            role = ("s_client", "-connect", f"{HOST}:{leg.address[1]}", "-bind", f"{HOST}:{port}")
        else:
            role = ("s_server", "-accept", f"{HOST}:{port}", "-Verify", "1")
        with openssl(tmp_path, *role, *common) as log:
            if not it_begins:
                await until(lambda: "ACCEPT" in log.read_text(errors="replace"))
            leg.connect(agreed)
            await until(lambda: bool(material(log)))
        srtp = SrtpSession(keys_of(material(log), suite, key_bytes, is_client=it_begins))
        with UdpPeer(host=HOST, port=port) as peer:
            leg.play([Tone((1000.0,), 1.0)], loop=True)
            heard: list[bytes] = []

            def listen() -> bool:
                heard.extend(plain for packet in peer.datagrams() if (plain := srtp.unprotect(packet)))
                return bool(heard)

            await until(listen)
            srtp.protecting(lambda packet: peer.udp.sendto(packet, leg.address))(heard[0])
            await until(lambda: leg.is_heard)


def has_openssl(pid: int) -> bool:
    """Return whether that process has loaded the library for handshakes."""
    return "cryptography" in Path(f"/proc/{pid}/maps").read_text()


async def test_rfc6347_4_2_4_a_flight_without_answer_is_sent_again_and_only_legs_of_dtls_load_openssl() -> (
    None
):
    async with worker() as engine:
        assert engine.pid is not None
        plain = await engine.open_leg("plain")
        assert plain.fingerprint == ""
        assert not has_openssl(engine.pid), "who has no such leg does not pay for it"
        leg = await engine.open_leg("mute", has_certificate=True)
        assert has_openssl(engine.pid)
        with UdpPeer() as peer, UdpPeer() as reports:
            theirs = (Fingerprint("sha-256", ":".join(["00"] * 32)),)
            agreed = replace(peer.agreement(), handshake=Handshake(leg.fingerprint, theirs, True))
            leg.connect(agreed)
            # As after a worker's death: sound has its keys, and reports need a handshake all the same.
            resumed = await engine.open_leg("resumed", has_certificate=True)
            keys = StreamKeys("AEAD_AES_128_GCM", b"s" * 28, b"r" * 28)
            resumed.connect(replace(agreed, keys=keys, remote_rtcp=reports.address))
            for each in (peer, reports):
                came: list[bytes] = []
                await until(lambda came=came, each=each: came.extend(each.datagrams()) or len(came) >= 2)
                first, second = came[:2]
                assert (first[0], first[13]) == (22, 1), "a ClientHello"
                assert first[13:] == second[13:], "the same message"
                assert first[5:11] != second[5:11], "in another record"


async def test_all_workers_have_one_certificate_and_a_leg_that_is_moved_among_them_keeps_its_keys() -> None:
    async with worker(ports=media_ports(8), workers=2) as engine:
        with UdpPeer() as peer:
            a, b = [await engine.open_leg(name, has_certificate=True) for name in ("anna", "bob")]
            assert a.slot is not b.slot
            assert a.fingerprint == b.fingerprint
            ours, theirs = certificate(0), fingerprint_of(a.fingerprint)
            agreed = Handshake(a.fingerprint, (fingerprint_of(ours.fingerprint),), is_client=False)
            association = ours.association(Handshake(ours.fingerprint, (theirs,), is_client=True))
            a.connect(replace(peer.agreement(), handshake=agreed))
            flight = association.begin()

            def shake() -> bool:
                for datagram in (
                    *flight,
                    *(each for came in peer.datagrams() for each in association.take(came)),
                ):
                    peer.udp.sendto(datagram, a.address)
                flight.clear()
                return a.agreement is not None and a.agreement.keys is not None

            await until(shake)
            assert association.keys is not None
            a.bridge(b)
            await until(lambda: a.slot is b.slot and a.is_open and b.is_open)
            srtp = SrtpSession(association.keys)
            a.play([Tone((1000.0,), 1.0)], loop=True)
            await until(lambda: any(srtp.unprotect(packet) for packet in peer.datagrams()))
