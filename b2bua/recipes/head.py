"""The first half of every recipe: who, where and which line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from b2bua.recipes.answers import Answers, Colleague, Line

COLUMN = 36
"""Where comments begin."""


def head(answers: Answers, body: str) -> str:
    """Return the tables that say who takes calls, where phones register and how the provider is reached.

    ``body`` says what happens to callers: what it rings is there.
    """
    parts = (
        _office(answers),
        _line(answers),
        *map(_person, answers.people),
        (*_groups(answers, body), *_rest(answers)),
    )
    return "\n".join("\n".join(part) + "\n" for part in parts)


def quoted(text: str) -> str:
    """Return the text as a TOML string."""
    return json.dumps(text, ensure_ascii=False)


def listed(texts: Iterable[str]) -> str:
    """Return the texts as a TOML array."""
    return f"[{', '.join(map(quoted, texts))}]"


def _said(line: str, comment: str) -> str:
    return f"{line:<{COLUMN - 1}} # {comment}"


def _office(answers: Answers) -> Iterator[str]:
    yield "[office]"
    yield _said(
        f"country = {quoted(answers.country)}", "national numbers are read as numbers of this country"
    )
    yield _said(f"timezone = {quoted(answers.timezone)}", "opening hours are in this zone")
    yield _said(f"language = {quoted(answers.language)}", "of the prompts: en, uk, ru, pl")
    yield _said(f"data = {quoted(answers.data)}", "journal, messages, recordings")
    yield _said('default-scheme = "day"', "for numbers of the line that are not listed below")
    yield ""
    yield "[sip]"
    host = f"[{answers.address}]" if ":" in answers.address else answers.address
    yield _said(f"listen = {quoted(f'{host}:5060')}", "this machine's address: phones register here")
    yield _said('qualify-every = "30s"', "a phone without power is noticed before somebody calls it")
    yield ""
    yield "[rtp]"
    yield f"address = {quoted(answers.address)}"


def _line(answers: Answers) -> Iterator[str]:
    line = answers.line
    yield "[trunk.provider]"
    yield from _account(line) if line.username else _address(line)
    yield _said(f"number = {quoted(answers.number)}", "what whoever you call sees")
    yield _said(f"channels = {line.channels}", "simultaneous calls that the provider sells")


def _account(line: Line) -> Iterator[str]:
    yield _said(f"registrar = {quoted(line.server)}", "the office registers there, again and again")
    yield f"username = {quoted(line.username)}"
    yield f"password = {quoted(line.password)}"


def _address(line: Line) -> Iterator[str]:
    host, _, port = line.server.partition(":")
    yield _said(f"accepts-from = {listed([host])}", "calls come from there")
    yield _said(f"host = {quoted(host)}", "calls to the outside go there")
    if port:
        yield f"port = {port}"


def _person(person: Colleague) -> Iterator[str]:
    yield f"[person.{person.key}]"
    yield f"name = {quoted(person.name)}"
    yield _said(f"extension = {quoted(person.extension)}", "what colleagues dial, and the phone's user name")
    yield _said(f"password = {quoted(person.password)}", "of the phone")
    if person.mobile:
        yield f"mobile = {quoted(person.mobile)}"
    if person.email:
        yield f"email = {quoted(person.email)}"


def _groups(answers: Answers, body: str) -> Iterator[str]:
    """Yield the groups that the recipe rings."""
    if re.search(r'[" ]sales"', body):
        yield "[group.sales]"
        yield f"members = {listed(person.key for person in answers.people)}"
        yield ""
    if '"backup"' in body:
        yield "[group.backup]"
        yield _said(
            f"members = {listed([answers.backup])}", "when nobody of the above can: no power, no internet"
        )
        yield ""


def _rest(answers: Answers) -> Iterator[str]:
    yield "[hours.office]"
    yield _said(f"mon-fri = {quoted(answers.opening)}", "days that are not listed are closed")
    if answers.has_public_holidays:
        yield _said(f"holidays = {quoted(answers.country)}", "and so are the public holidays of this country")
    else:
        yield _said('# holidays = ["12-25", "01-01"]', "the days on which you close besides")
    yield ""
    yield "[voicemail.office]"
    yield _said(f"emails = {listed([answers.email])}", "who gets the messages")
    yield ""
    yield "[missed-alert]"
    yield _said(f"emails = {listed([answers.email])}", "who is told of callers whom nobody served")
    yield ""
    yield "# Who sends these mails; without it each becomes a file in the folder outbox of the above data:"
    yield "# [smtp]"
    yield '# host = "smtp.provider.example"'
    yield '# username = "office@office.example"'
    yield '# password = "…"'
    yield '# from = "office@office.example"'
