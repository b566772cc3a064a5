"""DTLS-SRTP by OpenSSL (RFC 5763, RFC 5764): datagrams in; datagrams, and at the end keys, out.

Imported with the first leg that needs it, as OpenSSL takes some 15 MB. Whether a flight is to be sent again
is looked at when callers say so, by OpenSSL's own clock.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from OpenSSL.crypto import FILETYPE_ASN1, X509, dump_certificate

from media.sdp.crypto import SUITES, StreamKeys
from media.sdp.handshake import Fingerprint, Handshake

LARGEST_DATAGRAM = 1200
"""Bytes; every network carries them."""

_DTLS_1_2 = 0xFEFD
_LABEL = b"EXTRACTOR-dtls_srtp"
_PROFILES = {
    b"SRTP_AEAD_AES_256_GCM": "AEAD_AES_256_GCM",
    b"SRTP_AEAD_AES_128_GCM": "AEAD_AES_128_GCM",
    b"SRTP_AES128_CM_SHA1_80": "AES_CM_128_HMAC_SHA1_80",
}
"""Protection profiles (RFC 5764 §4.1.2, RFC 7714 §14.2) as OpenSSL calls them, most wanted first."""
_SALT_BYTES = {"AES_CM_128_HMAC_SHA1_80": 14}
_AEAD_SALT_BYTES = 12
_RECORD_HEADER_BYTES = 13


class Certificate:
    """A key of our own, and what the far end knows it by: nobody but its fingerprint vouches for it."""

    def __init__(self, pem: str = "") -> None:
        """Take certificate and key out of ``pem``, or make them."""
        self.pem = pem or _new_pem()
        """Certificate and key."""
        key = load_pem_private_key(self.pem.encode(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        certificate = x509.load_pem_x509_certificate(self.pem.encode())
        self.fingerprint = str(_fingerprint(certificate.public_bytes(Encoding.DER), "sha-256"))
        """As SDP has it."""
        self.context = SSL.Context(SSL.DTLS_METHOD)
        self.context.set_min_proto_version(_DTLS_1_2)
        self.context.set_options(SSL.OP_NO_QUERY_MTU | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_TICKET)
        self.context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        self.context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _is_expected)
        self.context.use_certificate(certificate)
        self.context.use_privatekey(key)
        self.context.set_tlsext_use_srtp(b":".join(_PROFILES))

    def association(self, handshake: Handshake) -> Association:
        """Return the handshake that was agreed, not begun yet."""
        return Association(self, handshake)


def _new_pem() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    # Nothing in it tells who we are or since when; a clock that is wrong makes it no older.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, secrets.token_hex(8))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2000, 1, 1))  # noqa: DTZ001 - as X.509 has it, in UTC
        .not_valid_after(datetime(2100, 1, 1))  # noqa: DTZ001
        .sign(key, SHA256())
    )
    written = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (written + certificate.public_bytes(Encoding.PEM)).decode()


class _Expected:
    """Which certificate the far end has to show."""

    def __init__(self, fingerprints: tuple[Fingerprint, ...]) -> None:
        self.fingerprints = fingerprints
        self.is_refused = False


class Association:
    """One handshake with one far end."""

    def __init__(self, certificate: Certificate, handshake: Handshake) -> None:
        self.keys: StreamKeys | None = None
        """How SRTP is protected, once it is over."""
        self.failure = ""
        """Why it will never be; empty: it may be yet."""
        self._is_client = handshake.is_client
        self._expected = _Expected(handshake.theirs)
        self._connection = SSL.Connection(certificate.context)
        self._connection.set_app_data(self._expected)
        self._connection.set_ciphertext_mtu(LARGEST_DATAGRAM)
        if handshake.is_client:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()

    @property
    def is_refused(self) -> bool:
        """Whether it failed as the far end has not the certificate that its SDP names."""
        return self._expected.is_refused

    def begin(self) -> list[bytes]:
        """Return what to send of our own accord: a client's first flight."""
        return self._go_on() if self._is_client else []

    def take(self, datagram: bytes) -> list[bytes]:
        """Take what came; return what to send. What is no part of this handshake changes nothing."""
        if self.failure or not datagram:
            return []
        self._connection.bio_write(datagram)
        return self._go_on()

    def repeat(self) -> list[bytes]:
        """Return what is due again, as its answer may be lost; to be called a few times a second."""
        if self.failure or self.keys is not None:
            return []
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error as error:
            self._fail(error)
        return self._datagrams()

    def _go_on(self) -> list[bytes]:
        try:
            if self.keys is None:
                self._connection.do_handshake()
                self._take_keys()
            else:
                self._connection.recv(1)  # it repeats its last flight, or takes leave
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            if self.keys is None:
                self._fail(error)
        return self._datagrams()

    def _fail(self, error: SSL.Error) -> None:
        if self._expected.is_refused:
            self.failure = "its certificate is not the one that its SDP names"
        else:
            self.failure = f"the handshake failed: {_in_words(error)}"

    def _take_keys(self) -> None:
        suite = _PROFILES.get(self._connection.get_selected_srtp_profile())
        if suite is None:
            self.failure = "the far end has no protection profile that we have"
            return
        salt_bytes = _SALT_BYTES.get(suite, _AEAD_SALT_BYTES)
        key_bytes = SUITES[suite].key_bytes - salt_bytes
        block = self._connection.export_keying_material(_LABEL, 2 * SUITES[suite].key_bytes)
        client, server = block[:key_bytes], block[key_bytes : 2 * key_bytes]
        salts = block[2 * key_bytes :]
        client, server = client + salts[:salt_bytes], server + salts[salt_bytes:]
        ours, theirs = (client, server) if self._is_client else (server, client)
        self.keys = StreamKeys(suite, ours, theirs)

    def _datagrams(self) -> list[bytes]:
        """Return what OpenSSL has written, which is records, as the datagrams to send."""
        written = b""
        while True:
            try:
                written += self._connection.bio_read(65536)
            except SSL.WantReadError:
                break
        datagrams: list[bytes] = []
        while written:
            size = _RECORD_HEADER_BYTES + int.from_bytes(written[11:13], "big")
            record, written = written[:size], written[size:]
            if datagrams and len(datagrams[-1]) + size <= LARGEST_DATAGRAM:
                datagrams[-1] += record
            else:
                datagrams.append(record)
        return datagrams


def _is_expected(connection: SSL.Connection, shown: X509, _error: int, depth: int, _is_fine: int) -> bool:
    """Return whether the far end may show that certificate: the one of its SDP, whoever signed it."""
    if depth > 0:
        return True
    expected = connection.get_app_data()
    assert isinstance(expected, _Expected)
    algorithm = expected.fingerprints[0].algorithm
    # Nothing else is read of it: some far ends have one that OpenSSL takes and stricter readers do not.
    if _fingerprint(dump_certificate(FILETYPE_ASN1, shown), algorithm) not in expected.fingerprints:
        expected.is_refused = True
    return not expected.is_refused


def _fingerprint(der: bytes, algorithm: str) -> Fingerprint:
    """Return the hash of a certificate by ``algorithm``, as SDP has it (RFC 8122 §5)."""
    digest = hashlib.new(algorithm.replace("-", ""), der)
    return Fingerprint(algorithm, digest.digest().hex(":").upper())


def _in_words(error: SSL.Error) -> str:
    """Return what OpenSSL says of ``error``, which is not always a list."""
    told = error.args[0] if error.args else None
    reasons = [entry[-1] for entry in told] if isinstance(told, list) else []
    return ", ".join(dict.fromkeys(reasons)) or "it was broken off"
