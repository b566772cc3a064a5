"""One handshake alone: what far ends may show, and how it may break off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from ssl import DER_cert_to_PEM_cert, PEM_cert_to_DER_cert

import pytest
from cryptography import x509
from OpenSSL import SSL

from media.dtls import Association, Certificate
from media.sdp.handshake import Fingerprint, Handshake
from tests.media.dtls_peer import certificate, fingerprint_of

VERSION_3, VERSION_5 = bytes.fromhex("a003020102"), bytes.fromhex("a003020104")
HEADER_BYTES = 13


def records(connection: SSL.Connection) -> Iterator[bytes]:
    """Yield what ``connection`` has written."""
    written = b""
    with suppress(SSL.WantReadError):
        written = connection.bio_read(65536)
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


def test_a_message_whose_length_is_absurd_is_a_failure_in_words() -> None:
    ours, theirs = certificate(0), certificate(1)
    marks = [(fingerprint_of(each.fingerprint),) for each in (ours, theirs)]
    client = theirs.association(Handshake(theirs.fingerprint, marks[0], is_client=True))
    server = ours.association(Handshake(ours.fingerprint, marks[1], is_client=False))
    [hello] = client.begin()
    server.take(hello[: HEADER_BYTES + 1] + b"\x78" + hello[HEADER_BYTES + 2 :])
    assert server.failure == "the handshake failed: it was broken off"
