"""Digest by the RFCs' own examples, and what a server makes of replays and forgeries."""

from __future__ import annotations

import pytest

from b2bua.errors import MalformedMessage
from b2bua.sip.digest import Authorization, Challenge, Credentials, NonceIssuer, answer, ha1, verify

MUFASA = Credentials("Mufasa", "Circle of Life")
NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
RFC7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, nonce="{}", opaque="FQhe"'
)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_rfc7616_3_9_1_example_is_answered_and_verified(algorithm: str, response: str) -> None:
    challenge = Challenge.parse(RFC7616.format(algorithm, NONCE))
    text = answer(challenge, MUFASA, method="GET", uri="/dir/index.html", cnonce=CNONCE, nc=1)
    authorization = Authorization.parse(text)
    assert (authorization.response, authorization.nc, authorization.qop) == (response, 1, "auth")
    assert verify(authorization, "GET", password="Circle of Life")
    assert verify(
        authorization, "GET", secret=ha1("Mufasa", authorization.realm, "Circle of Life", algorithm=algorithm)
    )
    assert not verify(authorization, "GET", password="circle of life")
    assert not verify(authorization, "PUT", password="Circle of Life")


def test_rfc2069_peer_without_qop_is_answered_without_counters() -> None:
    challenge = Challenge.parse('Digest realm="r", nonce="n"')
    text = answer(challenge, MUFASA, method="REGISTER", uri="sip:r", cnonce="c")
    assert "cnonce" not in text
    assert "nc=" not in text
    assert verify(Authorization.parse(text), "REGISTER", password="Circle of Life")


@pytest.mark.parametrize("algorithm", ["MD5-sess", "SHA-256-sess", "sha-256"])
@pytest.mark.parametrize("qop", ["", ', qop="auth"', ", qop=auth-int"])
def test_rfc7616_3_4_every_algorithm_and_protection_proves_what_it_covers(algorithm: str, qop: str) -> None:
    challenge = Challenge.parse(f'Digest realm="a \\"b\\"", nonce="n", algorithm={algorithm}{qop}')
    text = answer(challenge, MUFASA, method="INVITE", uri="sip:b@y", body=b"v=0", cnonce="c", nc=10)
    authorization = Authorization.parse(text)
    assert str(authorization) == text
    assert verify(authorization, "INVITE", password="Circle of Life", body=b"v=0")
    covers_body = "auth-int" in qop
    assert verify(authorization, "INVITE", password="Circle of Life", body=b"x") is not covers_body


@pytest.mark.parametrize(
    "text",
    [
        'Digest\trealm="r", nonce="n"',
        'DIGEST  realm = "r" ,nonce="n"',
        'Digest realm="r", nonce="n",',
        'Digest realm="r", nonce="n" , ',
    ],
)
def test_rfc3261_7_3_1_white_space_of_any_kind_and_a_comma_at_the_end_change_nothing(text: str) -> None:
    assert Challenge.parse(text) == Challenge(realm="r", nonce="n", qop=())


def test_challenge_is_written_as_it_is_read() -> None:
    challenge = Challenge(realm="office", nonce="n", algorithm="SHA-256", opaque="o", is_stale=True)
    assert (
        str(challenge)
        == 'Digest realm="office", nonce="n", opaque="o", stale=true, algorithm=SHA-256, qop="auth"'
    )
    assert Challenge.parse(str(challenge)) == challenge


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Basic realm=x",
        "Digest",
        'Digest realm="r"',
        'Digest realm="r", nonce="n", algorithm=MD6',
        'Digest realm="r", nonce="n", qop="future"',
        'Digest realm="r" nonce="n"',
        'Digest realm="r, nonce="n"',
    ],
)
def test_rfc8760_2_4_a_challenge_that_we_cannot_answer_is_malformed(text: str) -> None:
    with pytest.raises(MalformedMessage):
        Challenge.parse(text)


@pytest.mark.parametrize("change", [("nc=00000001", "nc=1"), ("qop=auth", "qop=x"), ('uri="sip:r", ', "")])
def test_rfc7616_3_4_credentials_that_miss_a_field_are_malformed(change: tuple[str, str]) -> None:
    challenge = Challenge(realm="r", nonce="n")
    text = answer(challenge, MUFASA, method="REGISTER", uri="sip:r", cnonce="c")
    with pytest.raises(MalformedMessage):
        Authorization.parse(text.replace(*change))


def test_password_is_not_in_the_repr() -> None:
    assert "Circle" not in repr(MUFASA)


def test_rfc7616_5_4_nonce_tells_its_age_and_a_forged_one_is_unknown() -> None:
    nonces = NonceIssuer(b"secret", lifetime_s=300)
    nonce = nonces.issue(1000.0)
    assert nonces.issue(1000.0) != nonce
    assert [nonces.check(nonce, at) for at in (1000.0, 1300.0, 1300.5)] == ["fresh", "fresh", "stale"]
    for forged in ("", "é", nonce[:-1], nonce[:-1] + ("0" if nonce[-1] != "0" else "1"), "f" * 52):
        assert nonces.check(forged, 1000.0) == "unknown"
    assert NonceIssuer(b"other", lifetime_s=300).check(nonce, 1000.0) == "unknown"


def test_rfc7616_3_4_a_replayed_count_is_stale_and_memory_of_old_nonces_is_freed() -> None:
    nonces = NonceIssuer(b"secret", lifetime_s=300)
    nonce = nonces.issue(0.0)
    assert [nonces.check(nonce, 1.0, nc=count) for count in (1, 1, 3, 2, 4)] == [
        "fresh",
        "stale",
        "fresh",
        "stale",
        "fresh",
    ]
    later = nonces.issue(1000.0)
    assert nonces.check(later, 1000.0, nc=1) == "fresh"
    assert list(nonces._used) == [later]
