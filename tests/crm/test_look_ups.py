"""Row R7: whose word counts where the CRM says only in part who is responsible for a caller."""

from __future__ import annotations

import asyncio

import pytest

from b2bua.crm.adapter import IsOurs, LookUps
from b2bua.http.failures import NoAnswerError

OURS, UNCLEAR = "3", "9"


async def names(user: str) -> str:
    """Find a record of that user."""
    return user


async def fails(user: str) -> bool:
    """Say who is ours, where nobody says of the other one who that is."""
    if user == UNCLEAR:
        raise NoAnswerError("answered 500")
    return user == OURS


async def hangs(user: str) -> bool:
    """Say who is ours, where the answer about the other one never comes."""
    if user == UNCLEAR:
        await asyncio.Event().wait()
    return user == OURS


@pytest.mark.parametrize("is_ours", [fails, hangs])
async def test_row_r7_a_user_of_whom_nobody_says_who_that_is_is_passed_over_for_one_of_ours(
    is_ours: IsOurs,
) -> None:
    look_ups = LookUps([names(UNCLEAR), names(OURS)], is_ours)
    async with asyncio.timeout(10):
        assert await look_ups.first(late_after_s=0.01) == OURS


async def test_row_r7_whoever_is_to_be_told_for_certain_is_not_passed_over() -> None:
    with pytest.raises(NoAnswerError, match="answered 500"):
        await LookUps([names(UNCLEAR), names(OURS)], fails).first(late_after_s=None)
    assert await LookUps([names(OURS), names(UNCLEAR)], fails).first(late_after_s=None) == OURS
