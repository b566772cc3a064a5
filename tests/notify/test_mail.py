"""Row V5: the mail about a voicemail says who called, when, how to call back, and carries the recording."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import pytest

from b2bua.notify import Readers, mail, missed_call_mails, voicemail_mails
from b2bua.notify.mail import mime
from b2bua.notify.texts import ENGLISH, WORDINGS, Wording, wording
from b2bua.store import NewCall, NewMail, QueuedMail

AT = datetime(2026, 11, 22, 13, 5, tzinfo=UTC)
CALL = NewCall("c1", "+48500600700", "Jan", "+48221230001", "demo", AT)
READERS = Readers(("anna@example.com", "piotr@example.com"), "en", ZoneInfo("Europe/Warsaw"))


def queued(new: NewMail) -> QueuedMail:
    return QueuedMail(77, new, AT, 0, AT, "")


def received(new: NewMail, sender: str = "b2bua@office.example") -> EmailMessage:
    parsed = message_from_bytes(mime(queued(new), sender=sender), policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "c1.wav"
    path.write_bytes(b"RIFF and so on")
    return path


def voicemail(recording: Path, call: NewCall = CALL, language: str = "en") -> NewMail:
    readers = replace(READERS, language=language)
    return voicemail_mails(call, box="sales", recording=recording, seconds=14.2, readers=readers)[0]


def test_v5_the_mail_carries_the_recording_and_all_there_is_to_know(recording: Path) -> None:
    message = received(voicemail(recording))
    assert message["Subject"] == "Voicemail from Jan, +48500600700 (0:14)"
    assert (message["To"], message["From"]) == ("anna@example.com", "b2bua@office.example")
    assert message["Message-ID"] == "<77@office.example>"
    text = text_of(message)
    for fact in (
        "Jan, +48500600700",
        "+48221230001",
        "2026-11-22 14:05",
        "0:14",
        "sales",
        "tel:+48500600700",
    ):
        assert fact in text
    [attachment] = message.iter_attachments()
    assert attachment.get_filename() == "voicemail-2026-11-22-14-05-+48500600700.wav"
    assert attachment.get_content_type() == "audio/wav"
    assert attachment.get_content() == b"RIFF and so on"


def test_each_reader_gets_a_mail_of_their_own(recording: Path) -> None:
    mails = voicemail_mails(CALL, box="sales", recording=recording, seconds=1, readers=READERS)
    assert [new.recipient for new in mails] == ["anna@example.com", "piotr@example.com"]


def test_a_missing_recording_is_said_with_its_place(tmp_path: Path) -> None:
    message = received(voicemail(tmp_path / "gone.wav", language="pl"))
    assert list(message.iter_attachments()) == []
    assert f"Powinno być w pliku {tmp_path / 'gone.wav'}" in text_of(message)


def test_a_recording_too_big_for_a_mail_is_said_with_its_place(
    recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "LARGEST_ATTACHMENT", 5)
    message = received(voicemail(recording))
    assert list(message.iter_attachments()) == []
    assert f"too big for a mail (0 MB). You find it in the file {recording}" in text_of(message)


def test_a_withheld_number_offers_no_call_back(recording: Path) -> None:
    new = voicemail(recording, replace(CALL, caller="", caller_name=""))
    assert new.subject == "Voicemail from withheld number (0:14)"
    assert "tel:" not in new.body
    assert new.attachment_name == "voicemail-2026-11-22-14-05-unknown.wav"


def test_what_a_stranger_calls_himself_cannot_forge_headers_or_lines(recording: Path) -> None:
    forger = replace(
        CALL, caller="x@evil/../..", caller_name="Bank\r\nBcc: all@example.com\n\n\x00\udcff" * 9
    )
    message = received(voicemail(recording, forger))
    assert message["Bcc"] is None
    assert "\nBcc" not in text_of(message)
    [attachment] = message.iter_attachments()
    assert attachment.get_filename() == "voicemail-2026-11-22-14-05-xevil.....wav"


def test_c1_a_missed_call_asks_to_call_back_and_tells_what_was_tried() -> None:
    new = missed_call_mails(CALL, readers=READERS, story="rang Anna 20 s, no answer; call back")[0]
    message = received(new)
    assert message["Subject"] == "Please call back: Jan, +48500600700"
    assert "What happened: rang Anna 20 s, no answer; call back" in text_of(message)
    assert "tel:+48500600700" in text_of(message)
    assert list(message.iter_attachments()) == []


def test_d12_a_message_cut_short_says_so(recording: Path) -> None:
    [new, _] = voicemail_mails(
        CALL, box="sales", recording=recording, seconds=3, readers=READERS, is_cut_short=True
    )
    assert ENGLISH.cut_short in new.body


@pytest.mark.parametrize("language", WORDINGS)
def test_every_language_fills_in_the_same_words(language: str) -> None:
    for field in fields(Wording):
        ours, english = getattr(WORDINGS[language], field.name), getattr(ENGLISH, field.name)
        assert _blanks(ours) == _blanks(english), field.name


@pytest.mark.parametrize("language", WORDINGS)
def test_every_language_survives_the_trip(language: str, recording: Path) -> None:
    new = voicemail(recording, language=language)
    message = received(new)
    assert message["Subject"] == new.subject
    assert new.body in text_of(message)


def test_a_language_we_do_not_speak_reads_english() -> None:
    assert wording("de-DE") is ENGLISH
    assert wording("PL_pl") is WORDINGS["pl"]


def test_an_address_that_cannot_be_one_is_refused(recording: Path) -> None:
    with pytest.raises(ValueError, match=r".+"):
        mime(queued(replace(voicemail(recording), recipient="a\nb@c")), sender="b2bua@office.example")


def _blanks(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}
