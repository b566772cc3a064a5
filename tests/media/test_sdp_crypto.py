"""``a=crypto`` in offer and answer (RFC 4568) and what our policy makes of it."""

from __future__ import annotations

import contextlib
from base64 import b64decode, b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import MalformedMedia, NoCommonCodec
from media.sdp import LocalMedia, SessionDescription, make_answer, make_offer, read_answer
from media.sdp.crypto import SUITES, Crypto, SrtpPolicy, new_keys
from media.wire import commands_framer, encode

OFF = LocalMedia("198.51.100.1", 10_000, session_id=4711, version=3, crypto=new_keys())
BEST_EFFORT, OFFERED, REQUIRED = (
    replace(OFF, srtp=policy) for policy in (SrtpPolicy.BEST_EFFORT, SrtpPolicy.OFFERED, SrtpPolicy.REQUIRED)
)
KEY_30 = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
"""The key of RFC 4568 §4 and of many examples after it."""


def inline(size: int) -> str:
    return b64encode(bytes(range(size))).decode()


def offer(*crypto: str, protocol: str = "RTP/SAVP") -> bytes:
    lines = "".join(f"a=crypto:{each}\r\n" for each in crypto)
    return f"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 {protocol} 8 101\r\n{lines}".encode()


def crypto_lines(body: bytes) -> list[str]:
    return [line[9:] for line in body.decode().split("\r\n") if line.startswith("a=crypto:")]


def protocol_of(body: bytes) -> str:
    return SessionDescription.parse(body).media[0].protocol


@pytest.mark.parametrize(
    ("value", "tag", "suite", "mki_bytes"),
    [
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}", 1, "AES_CM_128_HMAC_SHA1_80", 0),
        (f"0 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}", 0, "AES_CM_128_HMAC_SHA1_80", 0),
        (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}|2^20|1:4", 1, "AES_CM_128_HMAC_SHA1_80", 4),
        (f"2 AES_CM_128_HMAC_SHA1_32 inline:{KEY_30}|2^31", 2, "AES_CM_128_HMAC_SHA1_32", 0),
        (f"3 AES_CM_128_HMAC_SHA1_32 inline:{KEY_30}|1048576", 3, "AES_CM_128_HMAC_SHA1_32", 0),
        (f"4 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}|1:32", 4, "AES_CM_128_HMAC_SHA1_80", 32),
        (f"999999999 aead_aes_256_gcm INLINE:{inline(44)}", 999999999, "AEAD_AES_256_GCM", 0),
        (f"5 AEAD_AES_128_GCM inline:{inline(28)}|2^48", 5, "AEAD_AES_128_GCM", 0),
        (f"5 AEAD_AES_128_GCM inline:{inline(28).rstrip('=')}", 5, "AEAD_AES_128_GCM", 0),
        (f"1 AES_CM_128_HMAC_SHA1_80  inline:{KEY_30} WSH=128 -FANCY=1", 1, "AES_CM_128_HMAC_SHA1_80", 0),
    ],
)
def test_rfc4568_9_1_lines_that_we_can_use(value: str, tag: int, suite: str, mki_bytes: int) -> None:
    crypto = Crypto.parse(value)
    assert (crypto.tag, crypto.suite, crypto.mki_bytes) == (tag, suite, mki_bytes)
    assert len(crypto.key) == SUITES[suite].key_bytes


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1",
        "1 AES_CM_128_HMAC_SHA1_80",
        f"01 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}",
        f"x AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}",
        f"1234567890 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}",
        f"1 F8_128_HMAC_SHA1_80 inline:{KEY_30}",
        f"1 AES_CM_128_HMAC_SHA1_80 uri:{KEY_30}",
        "1 AES_CM_128_HMAC_SHA1_80 inline:",
        "1 AES_CM_128_HMAC_SHA1_80 inline:????",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30[:-1]}",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{inline(29)}",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{inline(31)}",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{inline(28)}",
        f"1 AEAD_AES_256_GCM inline:{KEY_30}",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}|2^49",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}|0",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}|2^x",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}|2^20|1:0",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}|2^20|1:129",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}|2^20|1:4;inline:{KEY_30}|2^20|2:4",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30} UNENCRYPTED_SRTP",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30} UNENCRYPTED_SRTCP",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30} UNAUTHENTICATED_SRTP",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30} KDR=5",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30} FEC_ORDER=FEC_SRTP",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30} WSH=64 BRAND_NEW=1",
    ],
)
def test_rfc4568_5_1_2_lines_that_we_cannot_use_are_passed_over_and_tell_no_key(value: str) -> None:
    with pytest.raises(MalformedMedia) as caught:
        Crypto.parse(value)
    assert KEY_30[:6] not in str(caught.value)
    answer, agreement = make_answer(offer(value, f"7 AEAD_AES_128_GCM inline:{inline(28)}"), OFFERED)
    assert agreement.keys is not None
    assert agreement.keys.suite == "AEAD_AES_128_GCM"
    assert crypto_lines(answer)[0].startswith("7 AEAD_AES_128_GCM inline:")
    with pytest.raises(NoCommonCodec) as refused:
        make_answer(offer(value), OFFERED)
    assert KEY_30[:6] not in str(refused.value)


@given(st.text(alphabet="12 |:;^=AES_CMGinline+/-WSHKDRx\t\x00é", max_size=120))
def test_no_text_in_a_line_does_more_than_make_it_useless(value: str) -> None:
    for each in (value, f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}{value}"):
        with contextlib.suppress(MalformedMedia):
            crypto = Crypto.parse(each)
            assert Crypto.parse(crypto.line.value.removeprefix("crypto:")).key == crypto.key


def test_an_offer_has_the_suites_worth_having_each_with_a_key_of_its_own() -> None:
    lines = crypto_lines(make_offer(REQUIRED))
    assert [line.split()[:2] for line in lines] == [
        ["1", "AEAD_AES_256_GCM"],
        ["2", "AEAD_AES_128_GCM"],
        ["3", "AES_CM_128_HMAC_SHA1_80"],
    ]
    keys = [b64decode(line.partition("inline:")[2]) for line in lines]
    assert [len(key) for key in keys] == [44, 28, 30]
    assert len({key[:16] for key in keys}) == 3


@pytest.mark.parametrize(
    ("local", "protocol", "has_keys"),
    [
        (OFF, "RTP/AVP", False),
        (BEST_EFFORT, "RTP/AVP", True),
        (OFFERED, "RTP/SAVP", True),
        (REQUIRED, "RTP/SAVP", True),
    ],
)
def test_what_each_policy_offers(local: LocalMedia, protocol: str, has_keys: bool) -> None:
    body = make_offer(local)
    assert (protocol_of(body), bool(crypto_lines(body))) == (protocol, has_keys)


PLAIN, BEST, SECURE = "plain", "best effort", "secure"
KEYLESS = "secure without a key"


@pytest.mark.parametrize(
    ("local", "offered", "result"),
    [
        (OFF, PLAIN, "plain"),
        (OFF, BEST, "plain"),
        (OFF, SECURE, "refused"),
        (OFFERED, PLAIN, "plain"),
        (OFFERED, BEST, "protected"),
        (OFFERED, SECURE, "protected"),
        (OFFERED, KEYLESS, "refused"),
        (BEST_EFFORT, PLAIN, "plain"),
        (BEST_EFFORT, BEST, "protected"),
        (BEST_EFFORT, SECURE, "protected"),
        (REQUIRED, PLAIN, "refused"),
        (REQUIRED, BEST, "refused"),
        (REQUIRED, SECURE, "protected"),
        (REQUIRED, KEYLESS, "refused"),
    ],
)
def test_what_each_policy_accepts(local: LocalMedia, offered: str, result: str) -> None:
    crypto = (f"4 AES_CM_128_HMAC_SHA1_32 inline:{KEY_30}",) if offered in (BEST, SECURE) else ()
    protocol = "RTP/SAVP" if offered in (SECURE, KEYLESS) else "RTP/AVP"
    body = offer(*crypto, protocol=protocol)
    if result == "refused":
        with pytest.raises(NoCommonCodec, match=f"SRTP is {local.srtp}"):
            make_answer(body, local)
        return
    answer, agreement = make_answer(body, local)
    assert protocol_of(answer) == protocol
    assert (agreement.keys is not None) == (result == "protected") == bool(crypto_lines(answer))


def test_rfc4568_5_1_2_the_answer_takes_the_first_line_it_can_keeps_the_tag_and_gives_its_own_key() -> None:
    body = offer(
        f"11 F8_128_HMAC_SHA1_80 inline:{KEY_30}",
        f"12 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}|2^20|1:4",
        f"13 AEAD_AES_256_GCM inline:{inline(44)}",
    )
    answer, agreement = make_answer(body, REQUIRED)
    ours = next(each for each in REQUIRED.crypto if each.suite == "AES_CM_128_HMAC_SHA1_80")
    assert crypto_lines(answer) == [f"12 AES_CM_128_HMAC_SHA1_80 inline:{b64encode(ours.key).decode()}"]
    assert agreement.keys is not None
    assert agreement.keys.sending == ours.key
    assert agreement.keys.receiving == b64decode(KEY_30)
    assert agreement.keys.receiving_mki_bytes == 4


def test_of_the_same_stream_offered_plain_and_protected_the_protected_one_is_taken() -> None:
    plain = offer(protocol="RTP/AVP")
    secure = offer(f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}").partition(b"m=")[2]
    answer, agreement = make_answer(plain + b"m=" + secure, OFFERED)
    assert agreement.keys is not None
    assert [stream.port for stream in SessionDescription.parse(answer).media] == [0, 10_000]
    agreement = make_answer(plain + b"m=" + secure, OFF)[1]
    assert agreement.keys is None


@pytest.mark.parametrize("ours", [BEST_EFFORT, OFFERED, REQUIRED])
@pytest.mark.parametrize("theirs", [BEST_EFFORT, OFFERED, REQUIRED])
def test_both_sides_of_our_own_settle_the_same_keys(ours: LocalMedia, theirs: LocalMedia) -> None:
    theirs = replace(theirs, crypto=new_keys(), address="198.51.100.2")
    body = make_offer(ours)
    if ours is BEST_EFFORT and theirs.srtp is SrtpPolicy.REQUIRED:
        with pytest.raises(NoCommonCodec):
            make_answer(body, theirs)
        return
    answer, answerer = make_answer(body, theirs)
    offerer = read_answer(body, answer)
    assert offerer.keys is not None
    assert answerer.keys is not None
    assert offerer.keys.suite == answerer.keys.suite == "AEAD_AES_256_GCM"
    assert offerer.keys.sending == answerer.keys.receiving
    assert offerer.keys.receiving == answerer.keys.sending


@pytest.mark.parametrize(
    ("local", "protocol", "later"),
    [
        (OFF, "RTP/AVP", "RTP/AVP"),
        (OFFERED, "RTP/AVP", "RTP/AVP"),
        (OFFERED, "RTP/SAVP", "RTP/SAVP"),
        (BEST_EFFORT, "RTP/AVP", "RTP/AVP"),
        (BEST_EFFORT, "RTP/SAVP", "RTP/SAVP"),
        (REQUIRED, "RTP/SAVP", "RTP/SAVP"),
    ],
)
def test_later_offers_of_a_dialog_keep_to_the_protocol_that_was_taken(
    local: LocalMedia, protocol: str, later: str
) -> None:
    crypto = (f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}",) if protocol == "RTP/SAVP" else ()
    agreement = make_answer(offer(*crypto, protocol=protocol), local)[1]
    assert protocol_of(make_offer(local.after(agreement))) == later
    assert local.after(agreement).crypto == local.crypto


ANSWER = f"3 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}"


def test_an_answer_without_keys_to_a_best_effort_offer_is_plain_and_with_keys_is_protected() -> None:
    body = make_offer(BEST_EFFORT)
    assert read_answer(body, offer(protocol="RTP/AVP")).keys is None
    for protocol in ("RTP/AVP", "RTP/SAVP"):
        assert read_answer(body, offer(ANSWER, protocol=protocol)).keys is not None


@pytest.mark.parametrize(
    ("crypto", "protocol"),
    [
        ((), "RTP/SAVP"),
        ((), "RTP/AVP"),
        ((f"4 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}",), "RTP/SAVP"),
        ((f"2 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}",), "RTP/SAVP"),
        ((f"3 AES_CM_128_HMAC_SHA1_32 inline:{KEY_30}",), "RTP/SAVP"),
        (("3 AES_CM_128_HMAC_SHA1_80 inline:short",), "RTP/SAVP"),
    ],
)
def test_rfc4568_5_1_3_an_answer_without_a_key_for_what_was_offered_is_refused(
    crypto: tuple[str, ...], protocol: str
) -> None:
    with pytest.raises(NoCommonCodec, match="SRTP"):
        read_answer(make_offer(OFFERED), offer(*crypto, protocol=protocol))


def test_no_description_prints_a_key_and_yet_it_is_written_whole() -> None:
    body = make_offer(REQUIRED)
    description = SessionDescription.parse(body)
    keys = [line.partition("inline:")[2] for line in crypto_lines(body)]
    for shown in (repr(description), repr(description.media[0]), repr(REQUIRED), str(description.media[0])):
        assert all(key not in shown for key in keys)
    assert "AEAD_AES_256_GCM" in repr(description)
    assert KEY_30 not in repr(
        SessionDescription.parse(offer(f"1 X INLINE:{KEY_30}|2^20|1:4;inline:{KEY_30}"))
    )
    assert description.to_bytes() == body


def test_keys_reach_the_worker_as_they_are() -> None:
    from media.commands import ConnectLeg

    agreement = make_answer(offer(ANSWER), REQUIRED)[1]
    command = ConnectLeg(7, agreement, allows_nat=False, rtp_timeout_s=30.0)
    assert commands_framer().feed(encode(command)) == [command]
    assert KEY_30 not in repr(command)
