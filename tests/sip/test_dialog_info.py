"""The document of a busy lamp: what stands in it, and that nothing in it can break it (RFC 4235 §4)."""

from __future__ import annotations

from xml.etree import ElementTree

from b2bua.sip.subscription.dialog_info import DialogElement, DialogInfo, DialogState, Party

NAMESPACE = "{urn:ietf:params:xml:ns:dialog-info}"


def test_rfc4235_4_1_a_document_in_full_with_its_version_and_whose_calls_they_are() -> None:
    call = DialogElement(
        id="c1",
        state=DialogState.EARLY,
        call_id="c1@office",
        local_tag="phone",
        remote_tag="ours",
        direction="recipient",
        local=Party("sip:101@office.example", "Anna Nowak"),
        remote=Party("sip:+48500600700@office.example"),
    )
    assert str(DialogInfo("sip:101@office.example", 7, (call,))).splitlines() == [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="7" state="full"'
        ' entity="sip:101@office.example">',
        '<dialog id="c1" call-id="c1@office" local-tag="phone" remote-tag="ours" direction="recipient">',
        "<state>early</state>",
        "<local>",
        '<identity display="Anna Nowak">sip:101@office.example</identity>',
        '<target uri="sip:101@office.example"/>',
        "</local>",
        "<remote>",
        "<identity>sip:+48500600700@office.example</identity>",
        '<target uri="sip:+48500600700@office.example"/>',
        "</remote>",
        "</dialog>",
        "</dialog-info>",
    ]


def test_rfc4235_4_names_and_tags_of_strangers_cannot_break_the_document() -> None:
    evil = "\"<'&>\x00\x1b\udcff]]>"
    call = DialogElement(
        id=evil, state=DialogState.CONFIRMED, call_id=evil, local_tag=evil, remote=Party(f"sip:{evil}", evil)
    )
    text = str(DialogInfo(f"sip:{evil}@x", 0, (call,)))
    root = ElementTree.fromstring(text.encode())
    read = "\"<'&>\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}]]>"
    assert root.get("entity") == f"sip:{read}@x"
    [dialog] = root.findall(f"{NAMESPACE}dialog")
    assert (dialog.get("id"), dialog.get("call-id"), dialog.get("local-tag")) == (read, read, read)
    identity = dialog.find(f"{NAMESPACE}remote/{NAMESPACE}identity")
    assert identity is not None
    assert (identity.text, identity.get("display")) == (f"sip:{read}", read)
