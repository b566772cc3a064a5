"""A store in a temporary folder, and short ways to say what a call does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from b2bua.store import NewCall, Store

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def new_call(call_id: str = "c1", *, caller: str = "+48500600700", at: datetime = NOON) -> NewCall:
    return NewCall(call_id, caller, "Jan", "+48221230001", "demo", at)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with await Store.open(tmp_path) as opened:
        yield opened
