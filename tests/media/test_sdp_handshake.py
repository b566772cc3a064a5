"""Offers and answers of DTLS-SRTP: fingerprints (RFC 8122), roles (RFC 4145), and what each policy takes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import MediaError, NoCommonCodec
from media.sdp.crypto import SrtpPolicy, new_keys
from media.sdp.handshake import HASHES, Fingerprint, Handshake
from media.sdp.local import LocalMedia
from media.sdp.model import SessionDescription
from media.sdp.negotiate import make_answer, make_offer, read_answer

OURS = "sha-256 " + ":".join(["AA"] * 32)
THEIRS = "sha-256 " + ":".join(["0B"] * 32)
RENEWED = "sha-256 " + ":".join(["0C"] * 32)
LOCAL = LocalMedia("198.51.100.1", 10_000, 4711, 3, srtp=SrtpPolicy.DTLS, fingerprint=OURS)
PEER = LocalMedia("192.0.2.1", 4000, 1, 1, srtp=SrtpPolicy.DTLS, fingerprint=THEIRS)
UDP_TLS = "UDP/TLS/RTP/SAVP"


def fingerprint(written: str) -> Fingerprint:
    algorithm, digest = written.split()
    return Fingerprint(algorithm, digest)


def offer(
    *lines: str, setup: str = "actpass", marks: tuple[str, ...] = (THEIRS,), protocol: str = UDP_TLS
) -> bytes:
    told = [*([f"setup:{setup}"] if setup else []), *(f"fingerprint:{mark}" for mark in marks), *lines]
    attributes = "".join(f"a={each}\r\n" for each in told)
    return f"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 {protocol} 8\r\n{attributes}".encode()


def attribute(body: bytes, name: str) -> str | None:
    return SessionDescription.parse(body).media[0].attribute(name)


def test_rfc5763_5_our_offer_leaves_the_roles_open_and_tells_our_certificate_and_no_key() -> None:
    body = make_offer(replace(LOCAL, crypto=new_keys()))
    [stream] = SessionDescription.parse(body).media
    assert (stream.protocol, stream.attribute("setup")) == (UDP_TLS, "actpass")
    assert (stream.attribute("fingerprint"), stream.attribute("crypto")) == (OURS, None)
    assert stream.attribute("rtcp-mux") is not None


@pytest.mark.parametrize(
    ("setup", "waits", "is_client"),
    [
        ("actpass", False, True),
        ("actpass", True, False),
        ("passive", True, True),
        ("active", False, False),
        ("", False, False),
        ("holdconn", False, False),
    ],
)
def test_rfc5763_5_the_answer_takes_a_role_that_the_offer_leaves(
    setup: str, waits: bool, is_client: bool
) -> None:
    answer, agreement = make_answer(offer(setup=setup), replace(LOCAL, waits=waits))
    assert attribute(answer, "setup") == ("active" if is_client else "passive")
    assert attribute(answer, "fingerprint") == OURS
    assert agreement.handshake == Handshake(OURS, (fingerprint(THEIRS),), is_client)
    assert (agreement.keys, agreement.is_savp, agreement.is_protected) == (None, True, True)


@pytest.mark.parametrize("protocol", ["UDP/TLS/RTP/SAVPF", "udp/tls/rtp/savp", "RTP/SAVPF", "RTP/SAVP"])
def test_rfc5764_8_the_answer_keeps_the_protocol_of_the_offer_and_may_be_offered_again(protocol: str) -> None:
    said, agreement = make_answer(offer(protocol=protocol), LOCAL)
    assert SessionDescription.parse(said).media[0].protocol == protocol
    refreshed, _ = make_answer(said, PEER)
    assert read_answer(said, refreshed).handshake == agreement.handshake


@pytest.mark.parametrize(("setup", "is_client"), [("active", False), ("passive", True), ("", True)])
def test_rfc5763_5_an_answer_to_our_offer_settles_the_roles(setup: str, is_client: bool) -> None:
    agreement = read_answer(make_offer(LOCAL), offer(setup=setup))
    assert agreement.handshake == Handshake(OURS, (fingerprint(THEIRS),), is_client)


@pytest.mark.parametrize(
    "answer",
    [
        offer(marks=()),
        offer(marks=("md5 " + ":".join(["00"] * 16),)),
        offer(marks=(THEIRS[:-3],)),
        offer("crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40, marks=(), protocol="RTP/SAVP"),
        offer(marks=(), protocol="RTP/AVP"),
    ],
    ids=["none", "md5", "cut off", "key in SDP", "plain"],
)
def test_rfc8122_5_an_answer_without_a_fingerprint_that_can_be_checked_is_no_call(answer: bytes) -> None:
    with pytest.raises(NoCommonCodec):
        read_answer(make_offer(LOCAL), answer)


def test_rfc8122_5_of_several_fingerprints_those_of_the_best_algorithm_count() -> None:
    marks = [f"{name} {':'.join(['1f'] * size)}" for name, size in reversed(HASHES.items())]
    _, agreement = make_answer(offer(marks=(*marks, "SHA-512 " + ":".join(["2E"] * 64))), LOCAL)
    assert agreement.handshake is not None
    told = [(each.algorithm, each.digest[:2]) for each in agreement.handshake.theirs]
    assert told == [("sha-512", "1F"), ("sha-512", "2E")]


def test_rfc8122_5_a_fingerprint_and_a_role_may_hold_for_the_whole_session() -> None:
    body = offer(setup="", marks=()).replace(
        b"m=audio", f"a=setup:actpass\r\na=fingerprint:{THEIRS}\r\nm=audio".encode()
    )
    _, agreement = make_answer(body, LOCAL)
    assert agreement.handshake == Handshake(OURS, (fingerprint(THEIRS),), is_client=True)


@pytest.mark.parametrize(
    ("policy", "kinds"),
    [
        (SrtpPolicy.OFF, {"plain", "both"}),
        (SrtpPolicy.BEST_EFFORT, {"plain", "keys", "dtls", "both"}),
        (SrtpPolicy.OFFERED, {"plain", "keys", "dtls", "both"}),
        (SrtpPolicy.REQUIRED, {"keys", "dtls"}),
        (SrtpPolicy.DTLS, {"dtls"}),
    ],
)
def test_what_each_policy_accepts(policy: SrtpPolicy, kinds: set[str]) -> None:
    key = "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40
    offers = {
        "plain": offer(marks=(), setup="", protocol="RTP/AVP"),
        "keys": offer(key, marks=(), setup="", protocol="RTP/SAVP"),
        "dtls": offer(),
        "both": offer(key, protocol="RTP/AVP"),
    }
    local, accepted = replace(LOCAL, srtp=policy, crypto=new_keys()), set()
    for kind, body in offers.items():
        try:
            _, agreement = make_answer(body, local)
        except NoCommonCodec:
            continue
        accepted.add(kind)
        assert (agreement.handshake is not None) == (kind == "dtls")
    assert accepted == kinds


@pytest.mark.parametrize("policy", [SrtpPolicy.BEST_EFFORT, SrtpPolicy.OFFERED, SrtpPolicy.REQUIRED])
def test_rfc5764_8_where_the_protocol_is_that_of_dtls_a_key_in_the_offer_counts_for_nothing(
    policy: SrtpPolicy,
) -> None:
    key = "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40
    local = replace(LOCAL, srtp=policy, crypto=new_keys())
    answer, agreement = make_answer(offer(key), local)
    assert (attribute(answer, "fingerprint"), attribute(answer, "crypto")) == (OURS, None)
    assert (agreement.keys, agreement.handshake is not None) == (None, True)
    with pytest.raises(NoCommonCodec):
        make_answer(offer(key, marks=()), local)


def test_without_a_certificate_dtls_is_refused_and_not_answered_in_the_clear() -> None:
    with pytest.raises(NoCommonCodec):
        make_answer(offer(), replace(LOCAL, srtp=SrtpPolicy.OFFERED, fingerprint=""))
    assert SessionDescription.parse(make_offer(replace(LOCAL, fingerprint=""))).media[0].protocol == UDP_TLS


@pytest.mark.parametrize("we_ask_first", [True, False])
def test_rfc8842_5_later_offers_of_either_side_keep_roles_and_association(we_ask_first: bool) -> None:
    first, second = (LOCAL, PEER) if we_ask_first else (PEER, LOCAL)
    body = make_offer(first)
    answer, theirs = make_answer(body, second)
    ours = read_answer(body, answer)
    first, second = first.after(ours), second.after(theirs)
    for asking, asked, was in ((first, second, theirs), (second, first, ours)):
        again = make_offer(asking, direction="sendonly")
        assert attribute(again, "setup") in ("active", "passive")
        answer, agreement = make_answer(again, asked)
        assert agreement.handshake == was.handshake
        actpass = again.replace(b"setup:active", b"setup:actpass").replace(b"setup:passive", b"setup:actpass")
        assert make_answer(actpass, asked)[1].handshake == was.handshake


@pytest.mark.parametrize("role", ["active", "passive"])
def test_rfc8842_5_whoever_says_nothing_of_roles_later_leaves_them_as_they_are(role: str) -> None:
    settled = read_answer(make_offer(LOCAL), offer(setup=role))
    local = LOCAL.after(settled)
    assert read_answer(make_offer(local), offer(setup="")).handshake == settled.handshake
    assert make_answer(offer(setup=""), local)[1].handshake == settled.handshake


def test_rfc8842_3_1_another_fingerprint_of_either_side_leaves_the_roles_open_again() -> None:
    _, agreement = make_answer(offer(setup="active"), LOCAL)
    local = LOCAL.after(agreement)
    _, renewed = make_answer(offer(marks=(RENEWED,)), local)
    assert renewed.handshake == Handshake(OURS, (fingerprint(RENEWED),), is_client=True)
    moved = make_offer(replace(local, fingerprint=RENEWED))
    assert (attribute(moved, "setup"), attribute(moved, "fingerprint")) == ("actpass", RENEWED)


def test_a_dialog_that_has_shaken_hands_keeps_to_it_where_keys_in_sdp_are_offered_else() -> None:
    local = replace(LOCAL, srtp=SrtpPolicy.REQUIRED, crypto=new_keys())
    assert SessionDescription.parse(make_offer(local)).media[0].protocol == "RTP/SAVP"
    _, agreement = make_answer(offer(), local)
    again = SessionDescription.parse(make_offer(local.after(agreement))).media[0]
    assert (again.protocol, again.attribute("crypto")) == (UDP_TLS, None)


@given(st.text(max_size=120), st.text(max_size=12))
def test_no_fingerprint_or_role_raises_anything_but_media_errors(mark: str, setup: str) -> None:
    try:
        make_answer(offer(setup=setup, marks=(mark,)), LOCAL)
    except MediaError:
        return
