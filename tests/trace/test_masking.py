"""No digest, password or key of sound is written down, however it is spelled."""

from __future__ import annotations

import pytest

from b2bua.trace.masking import masked, may_hide

SECRET = b"s3cr3t"
DIGEST = (
    b'Digest username="101", realm="office", nonce="n", uri="sip:office", response="s3cr3t", cnonce="s3cr3t"'
)


@pytest.mark.parametrize(
    "header",
    [
        b"Authorization: " + DIGEST,
        b"proxy-authorization : " + DIGEST,
        b"Authorization:\r\n " + DIGEST,
        b"Authorization: " + DIGEST.replace(b", ", b",\r\n\t"),
        b"Authorization: Basic s3cr3t==",
        b"Authorization: Bearer s3cr3t",
        b"Contact: <sip:anna:s3cr3t@10.0.0.1:5060;transport=udp>",
        b"Contact: <sips:anna:s3cr3t@[2001:db8::1]>",
        b"Contact: <sip:anna@10.0.0.1;password=s3cr3t>",
        b"Refer-To: <sip:anna@10.0.0.1?token=s3cr3t&x=y>",
    ],
)
def test_headers_tell_no_secret(header: bytes) -> None:
    wire = b"REGISTER sip:office SIP/2.0\r\n" + header + b"\r\nCall-ID: a\r\nContent-Length: 0\r\n\r\n"
    shown = masked(wire)
    assert may_hide(wire)
    assert SECRET not in shown
    assert shown.endswith(b"\r\nCall-ID: a\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize(
    "line",
    [
        b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:s3cr3t|2^20|1:4",
        b"a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:abc;inline:s3cr3t KDR=1",
        b"a=ice-pwd:s3cr3t",
        b"k=clear:s3cr3t",
    ],
)
def test_a_body_tells_no_key_and_keeps_its_length(line: bytes) -> None:
    wire = b"INVITE sip:a@b SIP/2.0\r\nContent-Length: 9\r\n\r\nv=0\r\n" + line + b"\r\n"
    assert may_hide(wire)
    assert SECRET not in masked(wire)
    assert len(masked(wire)) == len(wire)


def test_who_answered_which_challenge_stays_readable_and_the_rest_as_it_was() -> None:
    head = b"BYE sip:1.2.3.4:5060;lr SIP/2.0\r\nFrom: <sip:a@b:5070>\r\n"
    shown = masked(head + b"Authorization: " + DIGEST + b"\r\n\r\n")
    assert b'Digest username="101", realm="office", uri="sip:office", ***\r\n' in shown
    assert shown.startswith(head)
