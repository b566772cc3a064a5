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


def test_a_million_sources_do_not_fill_the_memory() -> None:
    attempts = FailedAttempts(limit=3, max_sources=10)
    for number in range(1000):
        attempts.note(f"2001:db8::{number:x}", now=0.0)
    assert len(attempts._sources) == 10
