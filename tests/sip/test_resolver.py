"""From URIs to addresses (RFC 3263)."""

from __future__ import annotations

import pytest

from b2bua.errors import Unavailable
from b2bua.sip.resolver import literal_hop, resolve
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import parse_uri


@pytest.mark.parametrize(
    ("uri", "hop"),
    [
        ("sip:a@192.0.2.1", Hop("udp", "192.0.2.1", 5060)),
        ("sip:192.0.2.1:5080;transport=TCP", Hop("tcp", "192.0.2.1", 5080)),
        ("sips:a@192.0.2.1", Hop("tls", "192.0.2.1", 5061)),
        ("sip:a@[2001:db8::1]:5062", Hop("udp", "2001:db8::1", 5062)),
        ("sip:a@example.org", None),
        ("tel:+48221234567", None),
    ],
)
def test_rfc3263_4_literal_addresses_need_no_lookup(uri: str, hop: Hop | None) -> None:
    assert literal_hop(parse_uri(uri)) == hop


async def test_rfc3263_4_2_a_name_is_looked_up_and_one_that_is_none_says_so() -> None:
    assert Hop("udp", "127.0.0.1", 5060) in await resolve(parse_uri("sip:a@localhost"))
    assert await resolve(parse_uri("sip:a@127.0.0.2;transport=tcp")) == [Hop("tcp", "127.0.0.2", 5060)]
    with pytest.raises(Unavailable, match="names no SIP address"):
        await resolve(parse_uri("tel:112"))
    with pytest.raises(Unavailable, match="does not resolve"):
        await resolve(parse_uri("sip:a..b"))


def test_hops_write_ipv6_in_brackets() -> None:
    assert str(Hop("tcp", "::1", 5060)) == "tcp:[::1]:5060"
