"""``[api]``: tokens that nobody guesses, and an interface that nobody on the way reads."""

from __future__ import annotations

import pytest

from tests.config.offices import PEOPLE, Says

OFFICE = PEOPLE + '[[scheme.main.step]]\nring = ["anna"]\n[[scheme.main.step]]\nvoicemail = "sales"\n'
TOKEN = "sixteen-or-more-letters"


@pytest.mark.parametrize(
    ("table", "key", "why"),
    [
        ("[api]\n", "api.tokens", "what programs prove by that they may ask"),
        ("[api]\ntokens = []\n", "api.tokens", "is missing: what programs prove by that they may ask"),
        ('[api]\ntokens = ["short"]\n', "api.tokens.1", "is easy to guess: it needs 16 characters"),
        ('[api]\ntokens = ["env:B2BUA_NO_SUCH"]\n', "api.tokens.1", "variable B2BUA_NO_SUCH is not set"),
        (f'[api]\ntokens = "{TOKEN}"\nlisten = "127.0.0.1:http"\n', "api.listen", "is no address"),
        (f'[api]\ntokens = "{TOKEN}"\ntls-key = "key.pem"\n', "api", "tls-key belongs to a tls-certificate"),
    ],
)
def test_what_cannot_be_is_told_with_its_key(table: str, key: str, why: str, errors: Says) -> None:
    told = errors(OFFICE + table)
    assert any(f"{key}: " in line and why in line for line in told), told


@pytest.mark.parametrize(
    ("lines", "is_warned"),
    [
        ("", False),
        ('listen = "127.0.0.1:9000"', False),
        ('listen = "[::1]:9000"', False),
        ('listen = "192.0.2.1:9000"', True),
        ('listen = "0.0.0.0:9000"', True),
        ('listen = "192.0.2.1:9000"\ntls-certificate = "office.pem"', False),
    ],
)
def test_tokens_in_the_clear_are_warned_of(lines: str, is_warned: bool, warnings: Says) -> None:
    told = [line for line in warnings(OFFICE + f'[api]\ntokens = "{TOKEN}"\n{lines}\n') if "api." in line]
    assert len(told) == is_warned
    assert all("cross the network in the clear" in line for line in told)
