"""Generated input: what we write reads the same, and no octets do more than raise the error of their kind."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from b2bua.sip.causes import Reason
from b2bua.sip.digest import Authorization, Challenge
from b2bua.sip.headers import CSeq, NameAddr, Via
from b2bua.sip.replaces import Replaces
from b2bua.sip.session.reliable import Rack
from b2bua.sip.session_timers import SessionExpires
from b2bua.sip.uri import SipUri, TelUri
from media.rtp import Goodbye, ReceiverReport, ReportBlock, RtpPacket, SenderReport, build_rtcp, parse_rtcp
from media.sdp.model import SessionDescription
from tests.fuzz.fuzz_sip import DATA
from tests.fuzz.strangers import read_any, read_value

TOKENS = st.from_regex(r"[A-Za-z0-9\-.!%*_+`'~]{1,12}", fullmatch=True)
QUOTED = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=12)
NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
HOSTS = NAMES | st.ip_addresses().map(str)
PORTS = st.none() | st.integers(0, 65535)
PARAMETERS = st.lists(st.tuples(TOKENS, st.none() | TOKENS), max_size=3).map(tuple)
NUMBERS = st.integers(0, 2**31 - 1)
URIS = st.builds(
    SipUri,
    user=st.none() | st.from_regex(r"[A-Za-z0-9\-_.+]{1,10}", fullmatch=True),
    host=HOSTS,
    port=PORTS,
    is_secure=st.booleans(),
    parameters=st.lists(st.tuples(NAMES, st.none() | NAMES), max_size=2).map(tuple),
    headers=st.sampled_from(("", "Subject=x", "Replaces=a%40b%3Bto-tag%3D1")),
) | st.builds(
    TelUri,
    number=st.from_regex(r"\+?[0-9]{1,15}", fullmatch=True),
    post_dial=st.from_regex(r"([,w][0-9*#]{1,4})?", fullmatch=True),
)
VALUES = st.one_of(
    URIS,
    st.builds(NameAddr, uri=URIS, display=QUOTED.map(str.strip), parameters=PARAMETERS),
    st.builds(Via, transport=st.sampled_from(("UDP", "wss")), host=HOSTS, port=PORTS, parameters=PARAMETERS),
    st.builds(CSeq, NUMBERS, TOKENS),
    st.builds(Rack, NUMBERS, NUMBERS, TOKENS),
    st.builds(Reason, protocol=TOKENS, cause=st.none() | NUMBERS, text=QUOTED),
    st.builds(Replaces, TOKENS, TOKENS, TOKENS, st.booleans()),
    st.builds(SessionExpires, NUMBERS, st.sampled_from((None, "uac", "uas"))),
    st.builds(
        Challenge,
        realm=QUOTED,
        nonce=QUOTED,
        algorithm=st.sampled_from(("MD5", "SHA-256", "MD5-sess")),
        qop=st.sampled_from(((), ("auth",), ("auth", "auth-int"))),
        opaque=st.none() | QUOTED,
        is_stale=st.booleans(),
    ),
    st.builds(
        Authorization,
        username=QUOTED,
        realm=QUOTED,
        nonce=QUOTED,
        uri=QUOTED,
        response=st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
        algorithm=st.sampled_from(("MD5", "SHA-256")),
        opaque=st.none() | QUOTED,
        qop=st.just("auth"),
        cnonce=QUOTED,
        nc=st.integers(0, 2**32 - 1),
    ),
)
PIECES = (
    *(
        "sip:",
        "sips:",
        "tel:",
        "SIP/2.0/",
        "UDP ",
        "Digest ",
        "realm=",
        "nonce=",
        "qop=auth",
        "algorithm=MD5",
        ",",
    ),
    *(
        '"',
        "\\",
        "<",
        ">",
        ";",
        "=",
        "@",
        ":",
        "?",
        "&",
        "%",
        "%40",
        "[",
        "]",
        "::1",
        " ",
        "\t",
        "+48",
        "#",
        "*",
    ),
    *(
        "tag=",
        "branch=z9hG4bK",
        "to-tag=",
        "from-tag=",
        "cause=",
        "text=",
        "refresher=uas",
        "expires=",
        "w",
        "p",
    ),
    *(
        "INVITE",
        "1",
        "0",
        "5060",
        "a",
        "b.example",
        "é",
        "\x00",
        "\udcff",
        "1 AES_CM_128_HMAC_SHA1_80 inline:",
    ),
)
SNIPPETS = [path.read_bytes() for path in sorted(DATA.glob("*/*")) if path.suffix in (".dat", ".bin", ".txt")]
U32 = st.integers(0, 2**32 - 1)
BLOCKS = st.lists(
    st.builds(ReportBlock, U32, st.integers(0, 255), st.integers(-0x800000, 0x7FFFFF), U32, U32, U32, U32),
    max_size=3,
).map(tuple)


@settings(max_examples=300)
@given(VALUES)
def test_any_value_that_we_write_is_read_back_the_same(value: object) -> None:
    assert type(value).parse(str(value)) == value  # type: ignore[attr-defined]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=2), max_size=14).map("".join))
def test_any_text_is_a_value_that_reads_the_same_again_or_malformed(text: str) -> None:
    read_value(text)


@settings(max_examples=100)
@given(st.binary(max_size=300), st.sampled_from([b"", *SNIPPETS]), st.data())
def test_no_octets_raise_anything_but_the_error_of_their_kind(
    noise: bytes, whole: bytes, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(whole)))
    read_any(whole[:at] + noise + whole[at + data.draw(st.integers(0, 20)) :])


@settings(max_examples=100)
@given(
    st.builds(
        RtpPacket,
        payload_type=st.integers(0, 127),
        sequence=st.integers(0, 0xFFFF),
        timestamp=U32,
        ssrc=U32,
        marker=st.booleans(),
        payload=st.binary(max_size=40),
    ),
    st.lists(
        st.builds(SenderReport, U32, st.integers(0, 2**64 - 1), U32, U32, U32, BLOCKS)
        | st.builds(ReceiverReport, U32, BLOCKS)
        | st.builds(Goodbye, st.lists(U32, max_size=3).map(tuple)),
        min_size=1,
        max_size=4,
    ),
)
def test_any_packet_that_we_send_is_read_back_the_same(
    packet: RtpPacket, reports: list[SenderReport | ReceiverReport | Goodbye]
) -> None:
    assert RtpPacket.parse(packet.to_bytes()) == packet
    assert parse_rtcp(build_rtcp(*reports)) == tuple(reports)


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("audio", "video", "image")),
            st.integers(0, 65535),
            st.sampled_from(("RTP/AVP", "RTP/SAVP")),
            st.lists(st.integers(0, 127).map(str), min_size=1, max_size=4),
            st.lists(st.from_regex(r"[a-z]{1,8}(:[!-~]{1,20})?", fullmatch=True), max_size=4),
        ),
        max_size=3,
    )
)
def test_any_session_description_is_read_back_the_same(
    streams: list[tuple[str, int, str, list[str], list[str]]],
) -> None:
    lines = ["v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0"]
    for kind, port, protocol, formats, attributes in streams:
        lines.append(f"m={kind} {port} {protocol} {' '.join(formats)}")
        lines += [f"a={attribute}" for attribute in attributes]
    body = "".join(f"{line}\r\n" for line in lines).encode()
    parsed = SessionDescription.parse(body)
    assert parsed.to_bytes() == body
    assert [stream.port for stream in parsed.media] == [port for _, port, *_ in streams]
