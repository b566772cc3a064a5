"""What people said of themselves: row S3, on virtual time and one database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from b2bua.people.presence import Presence
from b2bua.people.status import Availability, Source, Status
from b2bua.store import Store
from tests.harness.clock import virtual_time

NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
WARSAW = ZoneInfo("Europe/Warsaw")


def clock() -> datetime:
    return NOON + timedelta(seconds=asyncio.get_running_loop().time())


def away(*, for_s: float | None = None, reason: str = "") -> Status:
    now = clock()
    until = now + timedelta(seconds=for_s) if for_s is not None else None
    return Status(Availability.AWAY, now, until, reason)


class Watched:
    """A presence that is run, with what it told and when."""

    def __init__(self, store: Store) -> None:
        self.told: list[tuple[float, str, str]] = []
        self.presence = Presence(store.statuses, clock=clock, on_change=self._note)

    def _note(self, person: str, status: Status) -> None:
        at = round(asyncio.get_running_loop().time(), 3)
        self.told.append((at, person, status.state.value))


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Watched]:
    async with await Store.open(folder) as store:
        found = Watched(store)
        await found.presence.load()
        task = asyncio.create_task(found.presence.vigil.run())
        try:
            yield found
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@virtual_time
async def test_s3_a_status_returns_by_itself_at_its_end(tmp_path: Path) -> None:
    async with watched(tmp_path) as run:
        assert run.presence.status("anna").is_available
        await run.presence.say("anna", away(for_s=1800))
        await asyncio.sleep(1799)
        assert not run.presence.status("anna").is_available
        await asyncio.sleep(2)
        assert run.presence.status("anna").is_available
        assert run.told == [(0.0, "anna", "away"), (1800.0, "anna", "available")]


@virtual_time
async def test_s3_an_end_that_comes_once_more_is_told_once_more_when_the_clock_was_set_back(
    tmp_path: Path,
) -> None:
    set_back = timedelta()
    async with await Store.open(tmp_path) as store:
        told: list[str] = []
        presence = Presence(
            store.statuses,
            clock=lambda: clock() - set_back,
            on_change=lambda _, status: told.append(status.state.value),
        )
        task = asyncio.create_task(presence.vigil.run())
        await presence.say("anna", away(for_s=1800))
        await asyncio.sleep(1900)
        assert told == ["away", "available"]
        set_back = timedelta(hours=1)
        await asyncio.sleep(61)
        assert told == ["away", "available", "away"]
        await asyncio.sleep(3600)
        assert told == ["away", "available", "away", "available"]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@virtual_time
async def test_s3_what_has_no_end_lasts_until_something_else_is_said(tmp_path: Path) -> None:
    async with watched(tmp_path) as run:
        await run.presence.say("anna", away())
        await asyncio.sleep(5 * 86400)
        assert not run.presence.status("anna").is_available
        await run.presence.say("anna", Status(Availability.AVAILABLE, clock()))
        assert run.presence.status("anna").is_available


@virtual_time
async def test_s3_a_later_word_takes_the_place_of_an_earlier_end(tmp_path: Path) -> None:
    async with watched(tmp_path) as run:
        await run.presence.say("anna", away(for_s=60))
        await asyncio.sleep(30)
        await run.presence.say("anna", away(for_s=60))
        await asyncio.sleep(45)
        assert not run.presence.status("anna").is_available
        await asyncio.sleep(20)
        assert [(at, state) for at, _, state in run.told] == [(0, "away"), (30, "away"), (90, "available")]


@virtual_time
async def test_s3_a_restart_forgets_nothing_and_brings_nothing_back(tmp_path: Path) -> None:
    async with watched(tmp_path) as before:
        await before.presence.say("anna", away(for_s=3600, reason="lunch"))
        await before.presence.say("piotr", away(for_s=10))
        said = before.presence.status("anna")
    await asyncio.sleep(60)
    async with watched(tmp_path) as after:
        assert after.presence.status("anna") == said
        assert after.presence.status("piotr").is_available
        await asyncio.sleep(3600)
        assert after.presence.status("anna").is_available


@virtual_time
async def test_s3_of_two_words_the_later_one_counts_whichever_program_wrote_it(tmp_path: Path) -> None:
    async with watched(tmp_path) as office, watched(tmp_path) as command:
        await command.presence.say("anna", away())
        await asyncio.sleep(1)
        await office.presence.say("anna", Status(Availability.MEETING, clock()))
        office.presence.vigil.look()
        await asyncio.sleep(1)
        assert office.presence.status("anna").state is Availability.MEETING
        await command.presence.say("anna", Status(Availability.OFF_DUTY, clock()))
        office.presence.vigil.look()
        await asyncio.sleep(0.1)
        assert office.presence.status("anna").state is Availability.OFF_DUTY


def test_s3_a_status_is_told_with_its_end_at_the_clock_of_the_office_and_its_reason() -> None:
    meeting = Status(Availability.MEETING, NOON, NOON + timedelta(hours=3), "budget", Source.COMMAND)
    assert meeting.in_words(WARSAW, NOON) == "in a meeting until 15:00 (budget)"
    night = Status(Availability.OFF_DUTY, NOON, NOON + timedelta(hours=21))
    assert night.in_words(WARSAW, NOON) == "off duty until tue 2026-11-24 09:00"


def test_s3_a_colleague_reaches_everybody_but_who_does_not_want_to_be_disturbed() -> None:
    kept = {state: Status(state, NOON).keeps_from(colleague=True) for state in Availability}
    assert [state for state, is_kept in kept.items() if is_kept] == [Availability.DO_NOT_DISTURB]
    kept = {state: Status(state, NOON).keeps_from(colleague=False) for state in Availability}
    assert [state for state, is_kept in kept.items() if not is_kept] == [Availability.AVAILABLE]
