"""A call's SIP as a file, as a ladder, and as a capture."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from b2bua.errors import Unavailable
from b2bua.sip.trace import TracedMessage
from b2bua.sip.transport.hop import Hop
from b2bua.trace.ladder import ladder
from b2bua.trace.pcap import pcap
from b2bua.trace.record import Record, drop_oldest, find_record, read_record, write_records

US = Hop("udp", "10.0.0.1", 5060)
US_BY_TCP = Hop("tcp", "10.0.0.1", 5060)
CALLER = Hop("udp", "198.51.100.3", 5060)
PHONE = Hop("tcp", "10.0.0.7", 49152)
US6, PHONE6 = Hop("tls", "2001:db8::1", 5061), Hop("tls", "2001:db8::2", 40000)


def request(method: str, body: bytes = b"") -> bytes:
    return f"{method} sip:101@10.0.0.1 SIP/2.0\r\nCall-ID: a\r\nCSeq: 1 {method}\r\n\r\n".encode() + body


def response(line: str, method: str) -> bytes:
    return f"SIP/2.0 {line}\r\nCall-ID: a\r\nCSeq: 1 {method}\r\n\r\n".encode()


CALL = (
    TracedMessage(1000.0, False, US, CALLER, request("INVITE", b"v=0\r\n")),
    TracedMessage(1000.002, True, US, CALLER, response("100 Trying", "INVITE")),
    TracedMessage(1000.01, True, US_BY_TCP, PHONE, request("INVITE", b"v=0\r\n")),
    TracedMessage(1002.5, False, US_BY_TCP, PHONE, response("200 OK", "INVITE")),
    TracedMessage(1003.0, False, US_BY_TCP, PHONE, response("200 OK", "INVITE")),
    TracedMessage(1009.25, True, US_BY_TCP, PHONE, request("BYE")),
)


def test_the_ladder_has_a_line_for_each_party_and_an_arrow_for_each_message() -> None:
    assert list(ladder(CALL)) == [
        "              udp:198.51.100.3:5060                 b2bua                   tcp:10.0.0.7:49152",
        "    0.000                |-------- INVITE +SDP ------->|                             |",
        "    0.002                |<-------- 100 Trying --------|                             |",
        "    0.010                |                             |-------- INVITE +SDP ------->|",
        "    2.500                |                             |<----- 200 OK (INVITE) ------|",
        "    3.000                |                             |<- 200 OK (INVITE) (again) --|",
        "    9.250                |                             |------------ BYE ----------->|",
    ]


def test_in_full_every_message_follows_its_arrow_and_no_control_character_reaches_the_terminal() -> None:
    evil = TracedMessage(1.0, False, US, CALLER, b"INVITE sip:a@b SIP/2.0\r\nSubject: \x1b[2Jgone\r\n\r\n")
    lines = list(ladder([evil], is_full=True))
    assert "          Subject: ?[2Jgone" in lines
    assert "\x1b" not in "".join(lines)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    over_ipv6 = TracedMessage(1010.0, False, US6, PHONE6, request("BYE"))
    write_records(tmp_path / "trace", [("abc", (*CALL, over_ipv6))])
    assert read_record(Record(tmp_path / "trace" / "abc.sip", "abc")) == (*CALL, over_ipv6)


def test_calls_that_end_at_once_share_a_file_and_each_is_found_in_it(tmp_path: Path) -> None:
    evil = replace(CALL[1], wire=CALL[1].wire + b"\n= gotcha 0\n")
    write_records(tmp_path / "trace", [("abc", CALL), ("abd", (evil,)), ("xyz", CALL[2:])])
    [path] = (tmp_path / "trace").iterdir()
    assert path.name == "abc+2.sip"
    assert read_record(find_record(tmp_path, "abc")) == CALL
    assert read_record(find_record(tmp_path, "abd")) == (evil,)
    assert read_record(find_record(tmp_path, "last")) == CALL[2:]
    for missing in ("gotcha", "abc+"):
        with pytest.raises(Unavailable, match="no SIP trace of call"):
            find_record(tmp_path, missing)
    with pytest.raises(Unavailable, match="more than one call"):
        find_record(tmp_path, "ab")


def test_on_every_address_our_own_toward_the_peer_is_written(tmp_path: Path) -> None:
    anywhere = TracedMessage(1.0, True, Hop("udp", "0.0.0.0", 5060), Hop("udp", "127.0.0.1", 5070), b"x")
    write_records(tmp_path, [("a", (anywhere,))])
    assert read_record(Record(tmp_path / "a.sip", "a"))[0].local == Hop("udp", "127.0.0.1", 5060)


def test_a_file_that_is_none_of_ours_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "a.sip").write_bytes(b"INVITE\n")
    with pytest.raises(Unavailable, match="no trace of ours"):
        read_record(Record(tmp_path / "a.sip", "a"))


def test_a_call_is_found_by_the_beginning_of_its_id_or_as_the_last(tmp_path: Path) -> None:
    for age, name in enumerate(("abc", "abd", "xyz")):
        write_records(tmp_path / "trace", [(name, CALL)])
        os.utime(tmp_path / "trace" / f"{name}.sip", (1000 - age, 1000 - age))
    assert find_record(tmp_path, "x").call == "xyz"
    assert find_record(tmp_path, "last").call == "abc"
    with pytest.raises(Unavailable, match="more than one call"):
        find_record(tmp_path, "ab")
    with pytest.raises(Unavailable, match="no SIP trace of call"):
        find_record(tmp_path, "../abc")


def test_only_the_latest_are_kept(tmp_path: Path) -> None:
    for age in range(5):
        write_records(tmp_path, [(str(age), CALL)])
        os.utime(tmp_path / f"{age}.sip", (1000 - age, 1000 - age))
    drop_oldest(tmp_path, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.sip", "1.sip"]


def test_a_file_of_many_calls_counts_as_many(tmp_path: Path) -> None:
    for age, calls in enumerate((2, 3, 1)):
        write_records(tmp_path, [(f"{age}-{call}", CALL) for call in range(calls)])
        for path in tmp_path.glob(f"{age}-*"):
            os.utime(path, (1000 - age, 1000 - age))
    drop_oldest(tmp_path, keep=5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0-0+1.sip", "1-0+2.sip"]
    drop_oldest(tmp_path, keep=1)
    assert [path.name for path in tmp_path.iterdir()] == ["0-0+1.sip"]


def test_the_capture_is_made_of_ip_packets(tmp_path: Path) -> None:
    capture = pcap([CALL[0], TracedMessage(1010.5, True, US6, PHONE6, request("BYE"))])
    assert capture[:4] == b"\xd4\xc3\xb2\xa1"
    assert capture[20:24] == (101).to_bytes(4, "little")
    first = capture[40 : 40 + int.from_bytes(capture[32:36], "little")]
    assert (first[0], first[9], first[12:20]) == (0x45, 17, bytes((198, 51, 100, 3, 10, 0, 0, 1)))
    assert first[28:] == CALL[0].wire


def test_rfc1071_tcpdump_reads_the_capture_and_finds_its_checksums_right(tmp_path: Path) -> None:
    path = tmp_path / "call.pcap"
    path.write_bytes(pcap([*CALL, TracedMessage(1010.5, True, US6, PHONE6, request("BYE"))]))
    read = subprocess.run(
        ["tcpdump", "-r", path, "-nvvv"], capture_output=True, text=True, check=True, timeout=20
    ).stdout
    assert read.count("INVITE sip:101@10.0.0.1 SIP/2.0") == 2
    assert "198.51.100.3.5060 > 10.0.0.1.5060" in read
    assert read.count("udp sum ok") == 7
    assert "bad" not in read
