"""SIP as a peer writes it: the messages that the load generator sends and the parser is measured with."""

from __future__ import annotations

import hashlib
import re

SDP = """v=0\r
o=carrier 2890844526 2890844526 IN IP4 127.0.0.1\r
s=-\r
c=IN IP4 127.0.0.1\r
t=0 0\r
m=audio {port} RTP/AVP 8 0 101\r
a=rtpmap:8 PCMA/8000\r
a=rtpmap:0 PCMU/8000\r
a=rtpmap:101 telephone-event/8000\r
a=fmtp:101 0-15\r
a=ptime:20\r
a=sendrecv\r
"""

INVITE = """INVITE sip:{number}@127.0.0.1:{to_port};user=phone SIP/2.0\r
Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-{call}-1;rport\r
Max-Forwards: 67\r
From: "Example Caller" <sip:+48601{serial:06}@127.0.0.1;user=phone>;tag=from-{call}\r
To: <sip:{number}@127.0.0.1;user=phone>\r
Call-ID: {call}@carrier.example\r
CSeq: 1 INVITE\r
Contact: <sip:+48601{serial:06}@127.0.0.1:{port};transport=udp>\r
P-Asserted-Identity: "Example Caller" <sip:+48601{serial:06}@127.0.0.1;user=phone>\r
Privacy: none\r
Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY\r
Supported: 100rel, timer, histinfo, path\r
Session-Expires: 1800\r
Min-SE: 90\r
Accept: application/sdp, application/dtmf-relay\r
P-Early-Media: supported\r
P-Charging-Vector: icid-value=a7f3c1d2-{call};orig-ioi=carrier.example\r
Date: Sun, 22 Nov 2026 06:00:00 GMT\r
X-Trunk-Group: tgrp=office-07;trunk-context=carrier.example\r
User-Agent: Carrier SBC 8.4.1-build207\r
Content-Type: application/sdp\r
Content-Length: {length}\r
\r
{sdp}"""

IN_DIALOG = """{method} {target} SIP/2.0\r
Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-{call}-{branch};rport\r
Max-Forwards: 70\r
From: <sip:+48601{serial:06}@127.0.0.1;user=phone>;tag=from-{call}\r
To: {to}\r
Call-ID: {call}@carrier.example\r
CSeq: {cseq} {method}\r
Content-Length: 0\r
\r
"""

REGISTER = """REGISTER sip:127.0.0.1 SIP/2.0\r
Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-{user}-{cseq};rport\r
Max-Forwards: 70\r
From: <sip:{user}@127.0.0.1>;tag={user}\r
To: <sip:{user}@127.0.0.1>\r
Call-ID: register-{user}\r
CSeq: {cseq} REGISTER\r
Contact: <sip:{user}@127.0.0.1:{port}>\r
Expires: 3600\r
{authorization}Content-Length: 0\r
\r
"""


def typical_invite(serial: int = 0) -> bytes:
    """Return an INVITE of some 1.2 kB as a carrier sends it."""
    number, call = "+48221230001", f"call-{serial}"
    return invite(number=number, call=call, serial=serial, port=5070, to_port=5060, media_port=40000)


def caller_serial(invite: bytes) -> int:
    """Return the number of a call within its caller's."""
    return int(re.search(rb"\+48601(\d{6})@", invite)[1])  # type: ignore[index]


def media_port(message: bytes) -> int:
    """Return where the sender of an SDP wants to hear."""
    return int(re.search(rb"m=audio (\d+) ", message)[1])  # type: ignore[index]


def invite(*, number: str, call: str, serial: int, port: int, to_port: int, media_port: int) -> bytes:
    """Return the INVITE of one call."""
    sdp = SDP.format(port=media_port)
    return INVITE.format(
        number=number, call=call, serial=serial, port=port, to_port=to_port, sdp=sdp, length=len(sdp)
    ).encode()


def response(request: bytes, status: str, *, tag: str, contact: str = "", sdp: str = "") -> bytes:
    """Return what a phone answers ``request`` with: the lines it must repeat, a To tag, a body if any."""
    lines = request[: request.index(b"\r\n\r\n")].decode().split("\r\n")
    answer = [f"SIP/2.0 {status}"]
    for line in lines[1:]:
        if line.startswith(("Via:", "From:", "Call-ID:", "CSeq:")):
            answer.append(line)
        elif line.startswith("To:"):
            answer.append(line if ";tag=" in line else f"{line};tag={tag}")
    if contact:
        answer.append(f"Contact: {contact}")
    if sdp:
        answer.append("Content-Type: application/sdp")
    answer.append(f"Content-Length: {len(sdp)}")
    return ("\r\n".join(answer) + "\r\n\r\n" + sdp).encode()


def cancel(invite: bytes) -> bytes:
    """Return the CANCEL of an INVITE."""
    first, *lines = invite.decode().split("\r\n")
    kept = [line for line in lines if line.startswith(("Via:", "From:", "To:", "Call-ID:", "Max-Forwards:"))]
    written = [first.replace("INVITE", "CANCEL", 1), *kept, "CSeq: 1 CANCEL", "Content-Length: 0", "", ""]
    return "\r\n".join(written).encode()


def header(message: bytes, name: bytes) -> str:
    """Return the first value of a header that is spelt exactly so, "" when it is not there."""
    start = message.find(b"\r\n" + name + b": ")
    if start < 0:
        return ""
    start += len(name) + 4
    return message[start : message.index(b"\r\n", start)].decode()


def digest(challenge: str, *, user: str, password: str, uri: str) -> str:
    """Return the Authorization line that answers an MD5 challenge of a REGISTER (RFC 7616)."""
    fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    realm, nonce = fields["realm"], fields["nonce"]
    secret = _md5(f"{user}:{realm}:{password}")
    answer = _md5(f"{secret}:{nonce}:00000001:bench:auth:{_md5(f'REGISTER:{uri}')}")
    return (
        f'Authorization: Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
        f'response="{answer}", algorithm=MD5, qop=auth, nc=00000001, cnonce="bench"\r\n'
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
