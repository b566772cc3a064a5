"""What the program writes about itself."""

from __future__ import annotations

import io
import logging
import os
import threading
import time
from contextlib import suppress

import httpx
import pytest
import structlog

from b2bua import log
from b2bua.http.client import HttpClient, Request
from b2bua.logbook import MOST_WAITING, Logbook


@pytest.fixture
def written() -> io.StringIO:
    stream = io.StringIO()
    log.set_up(stream=stream)
    return stream


def test_a_traceback_names_the_error_but_no_values_of_variables(written: io.StringIO) -> None:
    def log_in(password: str) -> None:
        raise ValueError("refused")

    try:
        log_in("".join(("hunter", "2")))
    except ValueError:
        structlog.get_logger("a test").exception("failed")
    assert "ValueError: refused" in written.getvalue()
    assert "hunter2" not in written.getvalue()


@pytest.mark.parametrize(
    ("level", "event", "values"),
    [
        (
            "info",
            "the call is over",
            {"caller": "+48600100200", "dialled": "+48221230001", "outcome": "talked"},
        ),
        ("error", "x" * 50, {"why": "no 'route' to host", "waiting": 3, "none": None, "empty": ""}),
        ("warning", "a blank at the end", {"b": "two\nlines", "a": "k=v", "c": ["list"], "z": "last "}),
        ("info", ValueError("an error"), {}),
        ("critical", "a logger of its own", {"logger": "b2bua.sip"}),
    ],
)
def test_a_line_looks_as_the_library_would_write_it(
    level: str, event: object, values: dict[str, object]
) -> None:
    library = structlog.dev.ConsoleRenderer(colors=False, pad_event_to=40)
    whole = {"timestamp": "12:00:00", "level": level, "event": event, **values}
    assert log.PlainLines(library)(None, level, dict(whole)) == library(None, level, dict(whole))


def test_a_library_that_sees_every_change_in_a_folder_does_not_tell_of_it(written: io.StringIO) -> None:
    logging.getLogger("watchfiles.main").info("1 change detected")
    assert written.getvalue() == ""


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
async def test_addresses_that_are_asked_over_http_are_not_written(level: str) -> None:
    """They may be secret: those of private calendars, or of servers that know us by a key in them."""
    stream = io.StringIO()
    log.set_up(stream=stream, level=level)
    http = HttpClient("b2bua/test", transport=lambda: httpx.MockTransport(lambda _: httpx.Response(200)))
    await http.ask(Request("GET", "https://calendar.example/private-1f2e/basic.ics"), budget_s=5)
    await http.close()
    assert "private" not in stream.getvalue()


class FullDisk(io.StringIO):
    """Takes nothing until there is room."""

    has_room = False

    def write(self, line: str) -> int:
        if not self.has_room:
            raise OSError(28, "No space left on device")
        return super().write(line)


class Asleep(io.StringIO):
    """A reader who takes nothing until woken."""

    def __init__(self) -> None:
        super().__init__()
        self.is_awake = threading.Event()

    def write(self, line: str) -> int:
        self.is_awake.wait()
        return super().write(line)


def test_a_full_disk_fails_nobody_who_logs_and_what_it_cost_is_said_as_soon_as_there_is_room() -> None:
    disk = FullDisk()
    book = Logbook(disk)
    log.set_up(stream=book)
    structlog.get_logger("call").info("a call")
    logging.getLogger("media").warning("the media worker died")
    while book.is_behind:
        time.sleep(0.001)
    disk.has_room = True
    structlog.get_logger("call").info("another call")
    book.finish()
    first, second = disk.getvalue().splitlines()
    assert first == "2 lines of this log could not be written"
    assert "another call" in second


def test_a_reader_who_takes_nothing_holds_up_nobody_and_costs_no_more_memory_than_is_told() -> None:
    reader = Asleep()
    book = Logbook(reader)
    for number in range(MOST_WAITING + 100):
        book.write(f"line {number}\n")
    reader.is_awake.set()
    while book.is_behind:
        time.sleep(0.001)
    book.write("the end\n")
    book.finish()
    lines = reader.getvalue().splitlines()
    assert "line 0" in lines[:2]
    assert lines[-1] == "the end"
    assert any("lines of this log could not be written" in line for line in lines)


def test_a_log_whose_reader_has_closed_the_pipe_takes_lines() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    pipe = os.fdopen(writing, "w")
    book = Logbook(pipe)
    book.write("nobody reads this\n")
    book.finish()
    assert not book.is_behind
    with suppress(BrokenPipeError):
        pipe.close()
