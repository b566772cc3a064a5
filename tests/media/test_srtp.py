"""SRTP contexts of a leg (RFC 3711, RFC 7714) against published vectors and against one another."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from media.rtp import RtpPacket
from media.sdp.crypto import SUITES, StreamKeys, new_keys
from media.srtp import SrtpSession
from tests.media.peer import mirrored

RFC3711_B3_KEY = bytes.fromhex("e1f97a0d3e018be0d64fa32c06de4139" + "0ec675ad498afeebb6960b3aabe6")
"""Master key and master salt of RFC 3711 appendix B.3."""
AEAD_KEY = bytes.fromhex("000102030405060708090a0b0c0d0e0f" + "a0a1a2a3a4a5a6a7a8a9aaab")
RTP = bytes.fromhex("800f1234decafbadcafebabe") + b"\xab" * 16
RTCP = bytes.fromhex("81c8000bcafebabe") + b"\xab" * 16


def keys_of(suite: str, number: int = 0) -> StreamKeys:
    """Return keys that differ by ``number``."""
    size = SUITES[suite].key_bytes
    return StreamKeys(suite, bytes([number]) * size, bytes([number + 100]) * size)


def pair(keys: StreamKeys) -> tuple[SrtpSession, SrtpSession]:
    return SrtpSession(keys), SrtpSession(mirrored(keys))


def rtp(index: int, *, ssrc: int = 77, payload: bytes = b"\xd5" * 160) -> bytes:
    return struct.pack("!BBHII", 0x80, 8, index & 0xFFFF, index * 160 & 0xFFFFFFFF, ssrc) + payload


def protected(session: SrtpSession, packet: bytes) -> bytes:
    sent: list[bytes] = []
    session.protecting(lambda content: sent.append(bytes(content)))(packet)
    return sent[0] if sent else b""


@pytest.mark.parametrize(
    ("suite", "key", "expected"),
    [
        (
            "AES_CM_128_HMAC_SHA1_80",
            RFC3711_B3_KEY,
            "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb",
        ),
        (
            "AEAD_AES_128_GCM",
            AEAD_KEY,
            "800f1234decafbadcafebabec5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392",
        ),
    ],
)
def test_rfc3711_the_reference_packet_is_protected_and_read_as_libsrtp_publishes_it(
    suite: str, key: bytes, expected: str
) -> None:
    session = SrtpSession(StreamKeys(suite, sending=key, receiving=key))
    assert protected(session, RTP).hex() == expected
    assert session.unprotect(bytes.fromhex(expected)) == RTP


def test_rfc3711_3_4_the_reference_report_is_protected_and_read_as_libsrtp_publishes_it() -> None:
    expected = "81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798"
    session = SrtpSession(StreamKeys("AES_CM_128_HMAC_SHA1_80", RFC3711_B3_KEY, RFC3711_B3_KEY))
    assert session.protect_rtcp(RTCP).hex() == expected
    assert session.unprotect_rtcp(bytes.fromhex(expected)) == RTCP


@pytest.mark.parametrize("suite", SUITES)
def test_each_suite_carries_rtp_and_rtcp_with_the_tag_it_is_named_for(suite: str) -> None:
    ours, theirs = pair(keys_of(suite))
    overhead = SUITES[suite].tag_bytes or 16
    wire = protected(ours, rtp(1))
    assert len(wire) == len(rtp(1)) + overhead
    assert wire[:12] == rtp(1)[:12]
    assert b"\xd5" * 4 not in wire
    assert theirs.unprotect(wire) == rtp(1)
    report = ours.protect_rtcp(RTCP)
    assert len(report) == len(RTCP) + 4 + (SUITES[suite].rtcp_tag_bytes or 16)
    assert theirs.unprotect_rtcp(report) == RTCP
    assert (theirs.forged, theirs.replayed) == (0, 0)


@pytest.mark.parametrize("suite", SUITES)
def test_rfc3711_3_3_2_forged_and_replayed_packets_are_dropped_and_counted_apart(suite: str) -> None:
    ours, theirs = pair(keys_of(suite))
    wire = protected(ours, rtp(1))
    changed = bytearray(wire)
    changed[20] ^= 1
    assert theirs.unprotect(bytes(changed)) is None
    assert theirs.unprotect(wire[:11]) is None
    assert theirs.unprotect(b"") is None
    assert theirs.unprotect(wire + bytes(2000)) is None
    assert theirs.unprotect(protected(SrtpSession(keys_of(suite, 7)), rtp(2))) is None
    assert (theirs.forged, theirs.replayed) == (5, 0)
    assert theirs.unprotect(wire) == rtp(1)
    assert theirs.unprotect(wire) is None
    report = ours.protect_rtcp(RTCP)
    assert theirs.unprotect_rtcp(report) == RTCP
    assert theirs.unprotect_rtcp(report) is None
    assert theirs.unprotect_rtcp(RTCP) is None
    assert (theirs.forged, theirs.replayed) == (6, 2)


def test_one_index_is_never_encrypted_twice() -> None:
    ours, theirs = pair(keys_of("AEAD_AES_128_GCM"))
    assert theirs.unprotect(protected(ours, rtp(5))) is not None
    assert protected(ours, rtp(5, payload=b"\x00" * 160)) == b""
    assert protected(ours, rtp(4, payload=b"\x00" * 160)) != b""
    assert protected(ours, rtp(6, payload=bytes(2000))) == b""


def test_rfc3711_3_3_1_roll_overs_and_disorder_are_followed_and_another_ssrc_is_another_stream() -> None:
    ours, theirs = pair(keys_of("AES_CM_128_HMAC_SHA1_80"))
    order = [65530, 65532, 65531, 65537, 65535, 65534, 65540]
    for index in order:
        assert theirs.unprotect(protected(ours, rtp(index))) == rtp(index)
    assert theirs.unprotect(protected(ours, rtp(9, ssrc=78))) == rtp(9, ssrc=78)
    assert (theirs.forged, theirs.replayed) == (0, 0)


@pytest.mark.parametrize("suite", SUITES)
def test_rfc4568_6_1_a_key_identifier_in_the_far_ends_packets_is_read_over(suite: str) -> None:
    keys = keys_of(suite)
    ours, theirs = SrtpSession(replace(keys, receiving_mki_bytes=4)), SrtpSession(mirrored(keys))

    def with_mki(packet: bytes, tag_bytes: int) -> bytes:
        end = len(packet) - tag_bytes
        return packet[:end] + b"\x00\x00\x00\x01" + packet[end:]

    wire = with_mki(protected(theirs, rtp(1)), SUITES[suite].tag_bytes)
    assert ours.unprotect(wire) == rtp(1)
    report = with_mki(theirs.protect_rtcp(RTCP), SUITES[suite].rtcp_tag_bytes)
    assert ours.unprotect_rtcp(report) == RTCP
    assert ours.unprotect(b"\x80") is None


def run_to(index: int, ours: SrtpSession, theirs: SrtpSession) -> None:
    """Let ``theirs`` send to ``ours`` until the packet ``index``, with gaps no longer than may be guessed."""
    for each in [*range(1, index, 0x4000), index]:
        assert ours.unprotect(protected(theirs, rtp(each))) is not None


NEW = {"receiving": b"n" * 30}


def test_the_same_keys_again_change_nothing_not_even_after_roll_overs() -> None:
    keys = keys_of("AES_CM_128_HMAC_SHA1_80")
    ours, theirs = pair(keys)
    run_to(3 * 65536 + 5, ours, theirs)
    assert not ours.rekey(replace(keys))
    assert ours.unprotect(protected(theirs, rtp(3 * 65536 + 6))) is not None
    assert ours.unprotect(protected(theirs, rtp(3 * 65536 + 6))) is None


@pytest.mark.parametrize("keeps_counter", [True, False])
@pytest.mark.parametrize("wraps", [0, 1, 5])
def test_rfc3711_3_3_1_new_keys_of_the_far_end_are_taken_whether_it_keeps_its_roll_over_counter_or_not(
    wraps: int, keeps_counter: bool
) -> None:
    keys = keys_of("AES_CM_128_HMAC_SHA1_80")
    ours, theirs = pair(keys)
    last = wraps * 65536 + 300
    run_to(last, ours, theirs)
    under_way = protected(theirs, rtp(last + 1))
    renewed = replace(keys, **NEW)
    assert not ours.rekey(renewed)
    rekeyed = SrtpSession(mirrored(renewed))
    if keeps_counter:
        run_to(last, SrtpSession(renewed), rekeyed)
    assert ours.unprotect(under_way) == rtp(last + 1)
    assert ours.unprotect_rtcp(rekeyed.protect_rtcp(RTCP)) == RTCP
    for index in range(last + 2, last + 40):
        assert ours.unprotect(protected(rekeyed, rtp(index))) == rtp(index)
    assert ours.forged == 0
    assert ours.unprotect(protected(theirs, rtp(last + 41))) is None


def test_a_second_rekeying_before_the_first_was_heard_keeps_the_key_that_is_still_in_use() -> None:
    keys = keys_of("AES_CM_128_HMAC_SHA1_80")
    ours, theirs = pair(keys)
    run_to(100, ours, theirs)
    ours.rekey(replace(keys, receiving=b"1" * 30))
    ours.rekey(replace(keys, receiving=b"2" * 30))
    assert ours.unprotect(protected(theirs, rtp(101))) is not None
    newest = SrtpSession(mirrored(replace(keys, receiving=b"2" * 30)))
    assert ours.unprotect(protected(newest, rtp(102))) is not None


def test_our_stream_begins_anew_only_where_a_receiver_could_not_know_its_index() -> None:
    keys = keys_of("AES_CM_128_HMAC_SHA1_80")
    ours = SrtpSession(keys)
    protected(ours, rtp(100))
    assert not ours.rekey(replace(keys, **NEW))
    assert ours.rekey(keys_of("AEAD_AES_256_GCM"))
    for index in range(100, 70000, 0x4000):
        protected(ours, rtp(index))
    assert ours.rekey(replace(keys_of("AEAD_AES_256_GCM"), receiving=b"x" * 44))


def test_no_key_is_ever_printed() -> None:
    keys = StreamKeys("AEAD_AES_128_GCM", b"s" * 28, b"r" * 28)
    shown = repr(keys) + str(keys) + repr(new_keys(lambda size: b"s" * size))
    assert "ss" not in shown
    assert "rr" not in shown
    assert "AEAD_AES_128_GCM" in shown


@pytest.mark.parametrize("first", [5, 0x9000, 0xFFF0])
@pytest.mark.parametrize("wraps", [0, 1, 40])
def test_rfc3711_3_3_1_a_stream_that_wrapped_before_anybody_listened_is_read_by_its_key_alone(
    wraps: int, first: int
) -> None:
    keys = keys_of("AEAD_AES_128_GCM")
    wire: list[bytes] = []
    send = SrtpSession(mirrored(keys)).protecting(lambda packet: wire.append(bytes(packet)))
    for index in range(first, first + 0x10000 * wraps + 0x2000, 0x1000):
        send(RtpPacket(8, index & 0xFFFF, index, 7, False, b"x").to_bytes())
    session = SrtpSession(keys, is_resumed=True)
    assert read(session, b"\x80" * 60) is None
    assert [read(session, packet) is not None for packet in wire[-2:]] == [True, True]
    assert (session.counts, session.searches) == ({"forged": 1, "replayed": 0}, 0)


def read(session: SrtpSession, packet: bytes) -> bytes | None:
    """Return what the far end's ``packet`` holds, as a leg that knows where that is looks for it."""
    plain = session.unprotect(packet)
    return session.search(packet) if plain is None and session.searches else plain
