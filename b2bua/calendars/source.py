"""Gets the text of a calendar: from its file, from its address, or from the copy of the last good one."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from b2bua.calendars.errors import UnreadableCalendarError
from b2bua.config.tables import Calendar
from b2bua.http.client import HttpClient, Request
from b2bua.http.failures import NoAnswerError

LARGEST = 10 * 1024 * 1024
"""Bytes."""
BUDGET_S = 30.0
"""For the whole answer; callers do not wait for it."""
ACCEPT = {"Accept": "text/calendar, text/plain;q=0.5, */*;q=0.1"}


@dataclass(frozen=True, slots=True)
class Copy:
    """The last good text of a calendar, as it was kept."""

    text: bytes
    """iCalendar."""
    read_at: datetime
    """When it came, UTC."""


async def fetch(calendar: Calendar, http: HttpClient, *, budget_s: float = BUDGET_S) -> bytes:
    """Return the text of a calendar, which is looked at by nobody yet.

    Raises:
        UnreadableCalendarError: it cannot be had.
    """
    if calendar.file is not None:
        return await asyncio.to_thread(read_file, calendar.file)
    request = Request("GET", calendar.address, ACCEPT, largest=LARGEST, goes_elsewhere=True)
    try:
        return (await http.ask(request, budget_s=budget_s)).body
    except NoAnswerError as error:
        raise UnreadableCalendarError(str(error)) from error


def read_file(file: Path) -> bytes:
    """Return the text of a calendar that lies on this machine.

    Raises:
        UnreadableCalendarError: it cannot be read, or is too long.
    """
    try:
        with file.open("rb") as opened:
            text = opened.read(LARGEST + 1)
    except OSError as error:
        raise UnreadableCalendarError(f"cannot be read: {error.strerror}") from error
    if len(text) > LARGEST:
        raise UnreadableCalendarError(f"has more than {LARGEST // 1024 // 1024} MB")
    return text


class Copies:
    """The folder in which the last good text of each calendar is kept, for when nobody answers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, calendar: Calendar) -> Copy | None:
        """Return what is kept of a calendar at that address; None: nothing, or it cannot be read."""
        path = self._path(calendar)
        try:
            return Copy(path.read_bytes(), datetime.fromtimestamp(path.stat().st_mtime, UTC))
        except OSError:
            return None

    def keep(self, calendar: Calendar, text: bytes) -> None:
        """Keep the text in place of the one before.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
        """
        path = self._path(calendar)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(text)
        fresh.replace(path)

    def _path(self, calendar: Calendar) -> Path:
        place = calendar.address or str(calendar.file)
        mark = hashlib.sha256(place.encode()).hexdigest()[:12]
        return self._folder / f"{quote(calendar.name, safe='')}-{mark}.ics"
