"""What a changed configuration changes, and what of it waits for a restart."""

from __future__ import annotations

import re

import pytest

from b2bua.config.difference import applicable, difference
from tests.config.offices import PEOPLE, Reads

SCHEME = '[[scheme.main.step]]\nring = ["anna"]\n[[scheme.main.step]]\nvoicemail = "sales"\n'
OFFICE = PEOPLE + SCHEME
MOVED = OFFICE.replace("[office]", '[office]\ndata = "x"\nlanguage = "pl"')
MAIL = '[smtp]\nhost = "mail.example"\nfrom = "office@mail.example"\n'


@pytest.mark.parametrize(
    ("after", "changes", "needs_restart"),
    [
        (OFFICE, (), ()),
        (OFFICE.replace('"secret"', '"new"', 1), ("1 person changed (anna)",), ()),
        (
            OFFICE + '[person.eva]\n[person.ivan]\n[number."+48221230001"]\nscheme = "main"\n',
            ("2 people added (eva, ivan)", "1 number added (+48221230001)"),
            (),
        ),
        (OFFICE + "".join(f"[person.p{n}]\n" for n in range(5)), ("5 people added",), ()),
        (re.sub(r"\[trunk.out\]\n.*\n.*\n", "", OFFICE), ("1 trunk removed (out)",), ()),
        (OFFICE.replace('ring = ["anna"]', 'ring = ["piotr"]'), ("1 scheme changed (main)",), ()),
        (OFFICE + '[hours.shop]\nmon-fri = "09:00-17:00"\n', ("1 table of hours added (shop)",), ()),
        (OFFICE + MAIL, ("smtp",), ()),
        (OFFICE.replace("[office]", '[office]\nvoicemail-number = "*98"'), ("office.voicemail-number",), ()),
        (
            OFFICE + '[sip]\nqualify-every = "30s"\n[rtp]\naddress = "127.0.0.2"\n[media]\nworkers = 2\n',
            (),
            ("sip.qualify-every", "rtp.address", "media.workers"),
        ),
        (MOVED, ("office.language",), ("office.data",)),
        (OFFICE.replace("[office]", '[office]\ncountry = "UA"'), (), ("office.country",)),
        (OFFICE + '[api]\ntokens = ["nobody-guesses-this-token"]\n', ("api",), ()),
    ],
)
def test_every_change_is_told_in_words(
    after: str, changes: tuple[str, ...], needs_restart: tuple[str, ...], read: Reads
) -> None:
    before = read(OFFICE)
    found = difference(before, read(after))
    assert (found.changes, found.needs_restart) == (changes, needs_restart)


def test_what_needs_a_restart_stays_until_then_and_is_told_each_time(read: Reads) -> None:
    before = read(OFFICE)
    after = read(MOVED + "[rtp]\nports = '20000-20100'")
    now = applicable(before, after)
    assert (now.rtp, now.office.data, now.office.language) == (before.rtp, before.office.data, "pl")
    assert now.origin is after.origin
    again = difference(now, after)
    assert (again.changes, again.needs_restart) == ((), ("rtp.ports", "office.data"))
