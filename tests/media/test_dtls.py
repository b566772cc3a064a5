"""One handshake alone: what far ends may show, and how it may break off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from ssl import DER_cert_to_PEM_cert, PEM_cert_to_DER_cert

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL

from media.dtls import LARGEST_DATAGRAM, Association, Certificate
from media.sdp.handshake import Fingerprint, Handshake
from tests.media.dtls_peer import certificate, fingerprint_of

VERSION_3, VERSION_5 = bytes.fromhex("a003020102"), bytes.fromhex("a003020104")
HEADER_BYTES = 13
DTLS_1_0 = 0xFEFF


def records(connection: SSL.Connection) -> Iterator[bytes]:
    """Yield what ``connection`` has written."""
    with suppress(SSL.WantReadError):
        yield from records_in(connection.bio_read(65536))


def records_in(written: bytes) -> Iterator[bytes]:
    while written:
        size = HEADER_BYTES + int.from_bytes(written[11:13], "big")
        yield written[:size]
        written = written[size:]


def shake(phone: SSL.Connection, association: Association) -> None:
    """Let both go on until ``association`` has keys, or neither has anything to say."""
    for _ in range(10):
        with suppress(SSL.WantReadError):
            phone.do_handshake()
        for record in records(phone):
            for answer in association.take(record):
                phone.bio_write(answer)


def test_rfc8122_5_a_certificate_is_known_by_its_hash_even_where_only_openssl_can_read_it(
    tmp_path: Path,
) -> None:
    made = Certificate()
    der = PEM_cert_to_DER_cert(made.pem[made.pem.index("-----BEGIN CERT") :]).replace(VERSION_3, VERSION_5, 1)
    with pytest.raises(x509.InvalidVersion):
        _ = x509.load_der_x509_certificate(der).version
    (tmp_path / "odd.pem").write_text(DER_cert_to_PEM_cert(der))
    (tmp_path / "odd.key").write_text(made.pem)
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    context.use_certificate_file(str(tmp_path / "odd.pem"))
    context.use_privatekey_file(str(tmp_path / "odd.key"))
    context.set_tlsext_use_srtp(b"SRTP_AEAD_AES_128_GCM")
    phone, ours = SSL.Connection(context), certificate(0)
    phone.set_ciphertext_mtu(1200)
    phone.set_connect_state()
    theirs = Fingerprint("sha-256", sha256(der).digest().hex(":").upper())
    association = ours.association(Handshake(ours.fingerprint, (theirs,), is_client=False))
    shake(phone, association)
    assert (association.keys is not None, association.failure) == (True, "")


def phone_with(made: Certificate, *, srtp: bytes = b"", most: int = 0) -> SSL.Connection:
    """Return a phone that shows ``made``, protects by ``srtp`` and knows no later version than ``most``."""
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    context.use_certificate(x509.load_pem_x509_certificate(made.pem.encode()))
    context.use_privatekey(load_pem_private_key(made.pem.encode(), None))
    if srtp:
        context.set_tlsext_use_srtp(srtp)
    if most:
        context.set_cipher_list(b"ALL:@SECLEVEL=0")
        context.set_max_proto_version(most)
    phone = SSL.Connection(context)
    phone.set_ciphertext_mtu(1200)
    phone.set_connect_state()
    return phone


def with_who_shows(made: Certificate) -> Association:
    """Return our end of the handshake with who has ``made``."""
    ours, theirs = certificate(0), (fingerprint_of(made.fingerprint),)
    return ours.association(Handshake(ours.fingerprint, theirs, is_client=False))


@pytest.mark.parametrize(
    ("srtp", "why"),
    [
        (b"SRTP_AES128_CM_SHA1_80", ""),
        (b"", "the far end has no protection profile that we have"),
        (b"SRTP_AES128_CM_SHA1_32", "the far end has no protection profile that we have"),
    ],
)
def test_rfc5764_4_1_2_who_protects_by_nothing_that_we_have_is_told_of(srtp: bytes, why: str) -> None:
    made = certificate(1)
    association = with_who_shows(made)
    shake(phone_with(made, srtp=srtp), association)
    assert (association.failure, association.keys is None) == (why, bool(why))
    assert not why or association.take(b"\x16") == []


def test_rfc8827_6_5_no_earlier_version_than_1_2_is_spoken() -> None:
    made = certificate(1)
    association = with_who_shows(made)
    with pytest.raises(SSL.Error, match="alert protocol version"):
        shake(phone_with(made, srtp=b"SRTP_AES128_CM_SHA1_80", most=DTLS_1_0), association)
    assert association.keys is None
    assert association.failure == "the handshake failed: unsupported protocol"


def test_rfc6347_4_1_1_a_flight_is_as_few_datagrams_as_fit_through_any_network() -> None:
    made = certificate(1)
    far, association = made.association(Handshake(made.fingerprint, (), is_client=True)), with_who_shows(made)
    [hello] = far.begin()
    flight = association.take(hello)
    assert max(map(len, flight)) <= LARGEST_DATAGRAM
    assert sum(map(len, flight)) > (len(flight) - 1) * LARGEST_DATAGRAM / 2
    assert sum(len(list(records_in(datagram))) for datagram in flight) > len(flight)


def test_a_message_whose_length_is_absurd_is_a_failure_in_words() -> None:
    ours, theirs = certificate(0), certificate(1)
    marks = [(fingerprint_of(each.fingerprint),) for each in (ours, theirs)]
    client = theirs.association(Handshake(theirs.fingerprint, marks[0], is_client=True))
    server = ours.association(Handshake(ours.fingerprint, marks[1], is_client=False))
    [hello] = client.begin()
    server.take(hello[: HEADER_BYTES + 1] + b"\x78" + hello[HEADER_BYTES + 2 :])
    assert server.failure == "the handshake failed: it was broken off"
