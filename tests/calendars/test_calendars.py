"""Calendars are read in the background, survive a restart, and change nothing when they are broken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from b2bua.calendars.calendars import Calendars
from b2bua.calendars.errors import UnreadableCalendarError
from b2bua.calendars.source import LARGEST, Copies, fetch
from b2bua.config.models import Calendar, Config, Office
from b2bua.http.client import HttpClient
from tests.harness.clock import virtual_time
from tests.harness.handler import Handler, always, hangs, refuses
from tests.harness.ics import event, ics

Answers = Callable[[httpx.Request], Awaitable[httpx.Response]]
NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
TEAM = ics(event("Team", "20261123T090000", "20261123T100000", "RRULE:FREQ=DAILY"))
OTHER = ics(event("Other", "20261123T090000", "20261123T100000"))
URL = "https://calendar.example/private-1f2e/basic.ics"


def config(folder: Path, **tables: dict[str, Any]) -> Config:
    calendars = {name: table_of({"name": name, **table}) for name, table in tables.items()}
    return Config(office=Office(data=folder, timezone="Europe/Warsaw"), calendars=calendars)


def table_of(keys: dict[str, Any]) -> Calendar:
    return Calendar.model_validate(keys, by_name=True)


@asynccontextmanager
async def running(settings: Config, handler: Answers) -> AsyncIterator[Calendars]:
    """Read calendars for as long as the block runs."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    http = HttpClient("b2bua/test", transport=lambda: httpx.MockTransport(handler))
    clock = lambda: NOON + timedelta(seconds=loop.time() - started)  # noqa: E731
    calendars = Calendars(settings, http, clock)
    await calendars.load()
    task = asyncio.create_task(calendars.run())
    try:
        yield calendars
    finally:
        task.cancel()
        await asyncio.wait((task,))
        await http.close()


def titles(calendars: Calendars, name: str = "team", days: int = 3) -> list[str]:
    return [each.title for each in calendars.events(name, NOON, NOON + timedelta(days=days))]


@virtual_time
async def test_s1_a_calendar_is_read_again_and_again(tmp_path: Path) -> None:
    handler = always(TEAM)
    async with running(config(tmp_path, team={"url": URL, "refresh_seconds": 600}), handler) as calendars:
        await asyncio.sleep(1)
        assert titles(calendars) == ["Team"] * 3
        handler.say = lambda _: OTHER
        await asyncio.sleep(600)
        assert titles(calendars) == []
        assert [each.title for each in calendars.events("team", NOON - timedelta(days=1), NOON)] == ["Other"]
        assert handler.times == pytest.approx([0, 600], abs=1)


@virtual_time
async def test_s1_who_asks_for_news_is_told_of_them_alone(tmp_path: Path) -> None:
    handler, told = always(TEAM), []
    async with running(config(tmp_path, team={"url": URL, "refresh_seconds": 600}), handler) as calendars:
        calendars.on_change.append(lambda: told.append(asyncio.get_running_loop().time()))
        await asyncio.sleep(1300)
        assert len(handler.times) == 3
        assert told == [pytest.approx(0, abs=1)]


@virtual_time
async def test_s1_a_restart_without_the_internet_has_the_last_good_one(tmp_path: Path) -> None:
    settings = config(tmp_path, team={"url": URL})
    async with running(settings, always(TEAM)):
        await asyncio.sleep(1)
    async with running(settings, refuses()) as calendars:
        assert titles(calendars) == ["Team"] * 3  # at once: before anybody was asked
        await asyncio.sleep(3600)
        assert titles(calendars) == ["Team"] * 3


@virtual_time
@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (refuses(), "refuses connections"),
        (hangs(), "did not answer within 30 s"),
        (always(500), "answered 500"),
        (always(404), "answered 404"),
        (always("<html>Log in</html>"), "is no calendar"),
        (always(""), "is no calendar"),
        (always(b"x" * (LARGEST + 1)), "sent more than 10240 kB"),
    ],
)
async def test_s1_a_broken_calendar_changes_nothing_and_is_told_once(
    tmp_path: Path, broken: Handler, why: str
) -> None:
    handler = always(TEAM)
    async with running(config(tmp_path, team={"url": URL, "refresh_seconds": 600}), handler) as calendars:
        await asyncio.sleep(1)
        good, handler.say, handler.delay_s = handler.say, broken.say, broken.delay_s
        with capture_logs() as lines:
            await asyncio.sleep(2000)
        (line,) = [line for line in lines if "calendar" in line]
        assert (line["log_level"], line["calendar"]) == ("warning", "team")
        assert why in line["why"]
        assert "private" not in str(line)  # addresses of calendars are secrets
        assert titles(calendars) == ["Team"] * 3
        handler.say, handler.delay_s = good, 0.0
        with capture_logs() as lines:
            await asyncio.sleep(700)
        assert [line["event"] for line in lines] == ["a calendar is read again"]


@virtual_time
async def test_s1_after_a_failure_it_is_asked_sooner_and_then_as_ever(tmp_path: Path) -> None:
    handler = always(500)
    async with running(config(tmp_path, team={"url": URL, "refresh_seconds": 600}), handler):
        await asyncio.sleep(2500)
    assert handler.times == pytest.approx([0, 60, 180, 420, 900, 1500, 2100], abs=5)


@virtual_time
async def test_a_slow_calendar_does_not_keep_the_others_for_long(tmp_path: Path) -> None:
    slow, fast = "https://slow.example/x.ics", "https://fast.example/x.ics"
    settings = config(tmp_path, slow={"url": slow}, fast={"url": fast})

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "slow.example":
            await asyncio.sleep(3600)
        return httpx.Response(200, text=TEAM)

    async with running(settings, answer) as calendars:
        await asyncio.sleep(31)
        assert titles(calendars, "fast") == ["Team"] * 3


@virtual_time
async def test_i15_another_configuration_is_followed_at_once(tmp_path: Path) -> None:
    handler = Handler(lambda request: OTHER if "other" in request.url.path else TEAM)
    async with running(config(tmp_path, team={"url": URL}), handler) as calendars:
        await asyncio.sleep(1)
        calendars.change(config(tmp_path, team={"url": URL}, other={"url": "https://x.example/other.ics"}))
        await asyncio.sleep(1)
        assert set(calendars.known) == {"team", "other"}
        assert titles(calendars) == ["Team"] * 3
        assert calendars.known["other"].events[0].title == "Other"
        assert len(handler.times) == 2  # the one that has not changed is not asked again
        calendars.change(config(tmp_path))
        assert titles(calendars) == []


@virtual_time
async def test_a_file_is_read_again_every_minute(tmp_path: Path) -> None:
    file = tmp_path / "team.ics"
    file.write_text(TEAM)
    async with running(config(tmp_path, team={"file": file}), refuses()) as calendars:
        await asyncio.sleep(1)
        assert titles(calendars) == ["Team"] * 3
        file.write_text(OTHER)
        await asyncio.sleep(60)
        assert titles(calendars) == []
        file.unlink()
        with capture_logs() as lines:
            await asyncio.sleep(60)
        assert [line["why"] for line in lines] == ["cannot be read: No such file or directory"]


def test_a_copy_belongs_to_its_address(tmp_path: Path) -> None:
    copies = Copies(tmp_path / "calendars")
    one, two = (table_of({"name": "a/b", "url": url}) for url in (URL, URL + "2"))
    copies.keep(one, b"x")
    found = copies.find(one)
    assert found is not None
    assert found.text == b"x"
    assert copies.find(two) is None
    assert [path.parent for path in tmp_path.rglob("*.ics")] == [tmp_path / "calendars"]


async def test_a_calendar_of_100_mb_costs_ten(tmp_path: Path) -> None:
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")
        try:
            for _ in range(1600):
                writer.write(b"x" * 65536)
                await writer.drain()
                sent += 65536
        except OSError:
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    http = HttpClient("b2bua/test")
    table = table_of({"name": "big", "url": f"http://127.0.0.1:{port}/x.ics"})
    with pytest.raises(UnreadableCalendarError, match="sent more than 10240 kB"):
        await fetch(table, http)
    await http.close()
    listening.close()
    assert sent < 2 * LARGEST


async def test_a_calendar_may_be_sent_on_to_another_server(tmp_path: Path) -> None:
    def say(request: httpx.Request) -> httpx.Response | str:
        if request.url.host == "old.example":
            return httpx.Response(302, headers={"Location": "https://new.example/team.ics"})
        return TEAM

    http = HttpClient("b2bua/test", transport=lambda: httpx.MockTransport(Handler(say)))
    table = table_of({"name": "team", "url": "webcal://old.example/team.ics"})
    assert (await fetch(table, http)).decode() == TEAM
    await http.close()


@virtual_time(limit_s=5 * 86400)
async def test_s1_events_come_nearer_also_while_nobody_answers(tmp_path: Path) -> None:
    handler = always(ics(event("Spring", "20270124")))
    async with running(config(tmp_path, team={"url": URL}), handler) as calendars:
        await asyncio.sleep(1)
        assert calendars.known["team"].events == ()  # two months ahead are known
        handler.say = refuses().say
        await asyncio.sleep(4 * 86400)
        assert [each.title for each in calendars.known["team"].events] == ["Spring"]


@virtual_time(limit_s=3 * 86400)
async def test_a_calendar_that_stays_the_same_is_understood_once_a_day(tmp_path: Path) -> None:
    async with running(config(tmp_path, team={"url": URL}), always(TEAM)) as calendars:
        await asyncio.sleep(1)
        (copy,) = tmp_path.rglob("*.ics")
        copy.unlink()
        await asyncio.sleep(3600)
        assert not copy.exists()
        assert titles(calendars) == ["Team"] * 3
        await asyncio.sleep(86400)
        assert copy.exists()


@virtual_time(limit_s=600)
async def test_s1_a_clock_that_is_set_by_years_after_the_start_shows_days_of_which_all_is_known_soon(
    tmp_path: Path,
) -> None:
    loop = asyncio.get_running_loop()
    started, ahead = loop.time(), timedelta(days=-3653)  # a machine without a battery
    http = HttpClient("b2bua/test", transport=lambda: httpx.MockTransport(handler))
    handler = always(ics(event("Team", "20261123T090000", "20261123T100000")))
    clock = lambda: NOON + ahead + timedelta(seconds=loop.time() - started)  # noqa: E731
    calendars = Calendars(config(tmp_path, team={"url": URL}), http, clock)
    task = asyncio.create_task(calendars.run())
    await asyncio.sleep(60)
    assert calendars.known["team"].events == ()
    handler.say = refuses().say  # the internet is not there any more
    ahead = timedelta()
    await asyncio.sleep(15)
    assert [each.title for each in calendars.known["team"].events] == ["Team"]
    assert len(handler.times) == 2
    task.cancel()
    await asyncio.wait((task,))
    await http.close()
