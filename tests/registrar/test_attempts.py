"""Password guessing is slowed down without growing memory."""

from __future__ import annotations

from b2bua.registrar.attempts import FailedAttempts


def test_the_source_is_blocked_at_the_limit_and_free_after_the_window() -> None:
    attempts = FailedAttempts(limit=3, window_s=60.0)
    assert [attempts.note("192.0.2.1", now) for now in (0.0, 1.0, 2.0)] == [False, False, True]
    assert attempts.is_blocked("192.0.2.1", now=59.9)
    assert not attempts.is_blocked("192.0.2.2", now=3.0)
    assert not attempts.is_blocked("192.0.2.1", now=60.0)


def test_few_failures_now_and_then_never_block() -> None:
    attempts = FailedAttempts(limit=3, window_s=60.0)
    for now in range(0, 3600, 40):
        assert not attempts.note("192.0.2.1", float(now))


def test_rfc4291_2_5_4_guesses_from_ever_new_addresses_of_a_network_block_the_network() -> None:
    attempts = FailedAttempts(limit=3, window_s=60.0)
    blocked = [attempts.note(f"2001:db8::{number:x}", now=1.0) for number in range(1, 31)]
    assert blocked == [False] * 29 + [True]
    assert attempts.is_blocked("2001:db8::ffff", now=2.0)
    assert not attempts.is_blocked("2001:db8:0:1::1", now=2.0)
    assert not attempts.is_blocked("2001:db8::ffff", now=61.0)


def test_one_phone_with_a_wrong_password_does_not_block_those_beside_it_in_its_ipv6_network() -> None:
    attempts = FailedAttempts(limit=3, window_s=60.0)
    for _ in range(5):
        attempts.note("2001:db8::5", now=1.0)
    assert attempts.is_blocked("2001:db8::5", now=2.0)
    assert not attempts.is_blocked("2001:db8::6", now=2.0)


def test_a_million_sources_do_not_fill_the_memory() -> None:
    attempts = FailedAttempts(limit=3, max_sources=10)
    for number in range(1000):
        attempts.note(f"2001:db8::{number:x}", now=0.0)
    assert len(attempts._sources) == 10
